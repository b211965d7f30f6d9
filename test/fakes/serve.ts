import { openTestBridge } from './bridge-client';

/** A bridge process for tests that kill it: `node -r ts-hook.cjs serve.ts FOLDER`. Prints its address when it is up. */
const [folder] = process.argv.slice(2);
void openTestBridge({
  folder,
  faults: `${folder}/faults.json`,
  setFaults: () => undefined,
  remove: () => undefined,
}).then(({ bridge }) => {
  process.stdout.write(`${JSON.stringify({ address: bridge.address, token: bridge.token })}\n`);
});
