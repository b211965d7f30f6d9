import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { AppError } from '#protocol/errors';
import type { NetInfo } from '#protocol/messages';
import { noNets, openTestBridge, TestClient, type OpenBridge } from '../fakes/bridge-client';
import { makePlace } from '../fakes/jobs';

const place = makePlace();
let open: OpenBridge;
let client: TestClient;
type Brought = { readonly name?: string; readonly ending: string; readonly bytes: Buffer; readonly style?: Buffer };
const brought: Brought[] = [];
/** What lay beside the file while it was imported, by ending. */
const besides: Record<string, Buffer>[] = [];

beforeAll(async () => {
  const nets = {
    ...noNets,
    importFile: async (path: string, name?: string, styleNet?: string) => {
      const stem = path.slice(0, -extname(path).length);
      const halves = ['.param', '.bin'].flatMap(ending => {
        try {
          return [[ending, readFileSync(`${stem}${ending}`)]];
        } catch {
          return [];
        }
      });
      besides.push(Object.fromEntries(halves));
      const style = styleNet === undefined ? {} : { style: readFileSync(styleNet) };
      brought.push({ name, ending: extname(path), bytes: readFileSync(path), ...style });
      if (name === 'bad') throw new AppError('NET_DAMAGED', { name, where: 'x', problem: 'y' });
      return {} as NetInfo;
    },
  };
  open = await openTestBridge(place, {}, { nets });
  client = await TestClient.connect(open.bridge);
});
afterAll(async () => {
  client.close();
  await open.close();
  place.remove();
});

function makeFile(): { bytes: Buffer; sha256: string } {
  const bytes = randomBytes(2000);
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}
const left = () => readdirSync(join(place.folder, 'home/uploads'));

async function sendPair(names: readonly [string, string]) {
  const [main, other] = [makeFile(), makeFile()];
  await client.upload(other.bytes, other.sha256, 'net', names[1], { waits: true });
  const beside = { sha256: other.sha256, name: names[1] };
  const sent = client.upload(main.bytes, main.sha256, 'net', names[0], { beside });
  return { sent, main, other };
}

test('a net in one file is imported as soon as it is there', async () => {
  const { bytes, sha256 } = makeFile();
  await client.upload(bytes, sha256, 'net', 'My Net.onnx');
  expect(brought.pop()).toEqual({ name: 'my-net', ending: '.onnx', bytes });
  expect(left()).toEqual([]);
});

test('a net that paints and the one that reads styles for it are brought together', async () => {
  const { sent, main, other } = await sendPair(['magenta.onnx', 'magenta_predict.onnx']);
  await sent;
  expect(brought.pop()).toEqual({ name: 'magenta', ending: '.onnx', bytes: main.bytes, style: other.bytes });
  expect(left()).toEqual([]);
});

test.each([[['a.param', 'a.bin'] as const], [['a.bin', 'a.param'] as const]])(
  'the halves of a net for ncnn, %j, lie beside each other',
  async names => {
    const { sent, main, other } = await sendPair(names);
    await sent;
    expect(brought.pop()).toEqual({ name: 'a', ending: extname(names[0]), bytes: main.bytes });
    expect(besides.pop()).toEqual({ [extname(names[0])]: main.bytes, [extname(names[1])]: other.bytes });
    expect(left()).toEqual([]);
  },
);

test('a pair that is refused leaves nothing behind, and one whose first file never came is told so', async () => {
  const { sent } = await sendPair(['bad.onnx', 'other.onnx']);
  await expect(sent).rejects.toMatchObject({ code: 'NET_DAMAGED' });
  expect(left()).toEqual([]);
  const { bytes, sha256 } = makeFile();
  const beside = { sha256: 'ab'.repeat(32), name: 'gone.onnx' };
  await expect(client.upload(bytes, sha256, 'net', 'x.onnx', { beside })).rejects.toMatchObject({
    code: 'UPLOAD_UNKNOWN',
  });
});
