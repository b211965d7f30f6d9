import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { upscaleNets } from '../../bridge-server/src/effects/upscale';
import { describeModel } from '../../bridge-server/src/graph/model';
import { catalogue } from '../../bridge-server/src/models/catalogue';
import { createNetStore } from '../../bridge-server/src/models/store';
import { upscaleParams } from '../../bridge-server/src/protocol/effects/upscale';
import { netInfoSchema } from '../../bridge-server/src/protocol/messages';
import { makeClip } from '../fakes/jobs';

const root = join(__dirname, '../..');
const embeddedDir = join(root, 'bridge-server/nets');
const paintersDir = join(root, 'bridge-server/painters');
const store = createNetStore({ embeddedDir, homeDir: join(__dirname, 'no-such-home') });
const embedded = catalogue.filter(row => row.kind === 'embedded');

test('names are unique and can be folders', () => {
  const names = catalogue.map(row => row.name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z0-9][a-z0-9._-]*$/);
});

test('every embedded file is there, with the size and hash that the catalogue says, and belongs to a row', () => {
  const files = new Map(embedded.flatMap(row => row.files).map(file => [file.name, file]));
  for (const file of files.values()) {
    const bytes = readFileSync(join(embeddedDir, file.name));
    expect([file.name, bytes.length]).toEqual([file.name, file.sizeBytes]);
    expect([file.name, createHash('sha256').update(bytes).digest('hex')]).toEqual([file.name, file.hash.hex]);
  }
  const there = readdirSync(embeddedDir).filter(name => name.endsWith('.onnx'));
  expect(there.filter(name => !files.has(name))).toEqual([]);
});

test('all embedded nets and painters together stay below 48 MiB', () => {
  const sizes = [embeddedDir, paintersDir].flatMap(folder =>
    readdirSync(folder).map(name => statSync(join(folder, name)).size),
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(48 * 2 ** 20);
});

test('every row can be shown to a panel, and says where a pulled file is', async () => {
  for (const record of await store.list()) expect(netInfoSchema.safeParse(record).success).toBe(true);
  for (const row of catalogue.filter(each => each.kind === 'pulled')) {
    for (const file of row.files) expect(file.url).toMatch(/^https?:\/\/.+/);
  }
});

test('layers of an embedded net are outputs of its file, with as many channels', async () => {
  for (const row of embedded.filter(each => each.layers.length > 0)) {
    const { outputs } = describeModel(await store.bytes(row.name), row.name);
    const channels = new Map(outputs.map(output => [output.name, output.dims[1]]));
    for (const layer of row.layers)
      expect([layer.name, channels.get(layer.name)]).toEqual([layer.name, layer.channels]);
  }
});

test('every upscaler that the effect chooses by itself is embedded', () => {
  const names = new Set(embedded.map(row => row.name));
  for (const scale of ['1', '2', '4'] as const) {
    for (const noise of [-1, 0, 1, 2, 3]) {
      for (const provider of ['cpu', 'cuda'] as const) {
        const params = upscaleParams.parse({ scale, noise });
        const context = { clip: makeClip({ isStill: provider === 'cuda' }), machine: { provider } };
        for (const name of Object.values(upscaleNets(params, context)))
          expect([name, names.has(name)]).toEqual([name, true]);
      }
    }
  }
});

test('licences of embedded nets lie in LICENSES', () => {
  for (const file of ['waifu2x-MIT.txt', 'rife-MIT.txt', 'Apache-2.0.txt', 'openimages-NOTICE.txt'])
    expect(existsSync(join(root, 'LICENSES', file))).toBe(true);
});

test('one output of a file is kept, the others are gone', async () => {
  expect(describeModel(await store.bytes('upconv7-noise1')).outputs.map(output => output.name)).toEqual(['clean']);
  expect(describeModel(await store.bytes('upconv7-noise1-scale2x')).outputs.map(output => output.name)).toEqual([
    'output',
  ]);
});
