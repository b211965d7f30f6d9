import { describeJobEngine } from '../conformance/job-engine';
import { hasRedis, startRedis, type TestRedis } from '../fakes/redis';
import { openFarm } from '../fakes/render-farm';

let redis: TestRedis;
beforeAll(async () => {
  if (hasRedis) redis = await startRedis();
});
afterAll(() => redis?.close());

const suite = (nodes: number) => async () => {
  const farm = await openFarm(redis.url, nodes);
  return { engine: farm.engine, setFaults: farm.place.setFaults, close: () => farm.close() };
};

if (hasRedis) {
  describeJobEngine('bullmq, one render node', suite(1));
  describeJobEngine('bullmq, three render nodes', suite(3));
} else {
  test.skip('job engine: bullmq (skipped: no redis-server is installed here)', () => undefined);
}
