import { join } from 'node:path';
import sharp from 'sharp';
import { builtInPresets } from '../../bridge-server/src/effects/presets';
import { catalogue } from '../../bridge-server/src/models/catalogue';
import { createPainterStore } from '../../bridge-server/src/models/painters';
import { painterSides, readPainter } from '../../bridge-server/src/nets/painter';

const painters = createPainterStore(join(__dirname, '../../bridge-server/painters'));

test('every painter of a built-in preset is there', async () => {
  const names = new Set(await painters.list());
  const wanted = JSON.stringify(builtInPresets).match(/(?<="painter":")[a-z0-9-]+/g) ?? [];
  expect(wanted.length).toBeGreaterThan(5);
  for (const name of wanted) expect([name, names.has(name)]).toEqual([name, true]);
});

test('painters were measured with an embedded net, on its layers, at sizes for every stroke', async () => {
  const names = await painters.list();
  expect(names.length).toBeGreaterThanOrEqual(6);
  // All were made by one program; decoding every one takes longer than it tells.
  for (const name of ['starry-night', names[0]!]) {
    const painter = readPainter(await painters.bytes(name), name);
    const row = catalogue.find(each => each.name === painter.net);
    expect(row?.kind).toBe('embedded');
    expect(painter.entries.map(entry => entry.sidePx)).toEqual([...painterSides]);
    for (const [layer, { channels, covariance }] of Object.entries(painter.entries[2]!.statistics)) {
      if (!layer.startsWith('rgb/')) expect(row?.layers).toContainEqual({ name: layer, channels });
      // Something was seen: there is variance.
      const variances = Array.from({ length: channels }, (_, channel) => covariance[channel * (channels + 1)]!);
      expect(variances.reduce((sum, variance) => sum + variance)).toBeGreaterThan(1e-3);
    }
  }
});

test('painter files differ, and are of the size that their layers and sides make', async () => {
  const files = await Promise.all((await painters.list()).map(name => painters.bytes(name)));
  expect(new Set(files.map(file => file.length)).size).toBe(1);
  expect(new Set(files.map(file => Buffer.from(file).toString('base64'))).size).toBe(files.length);
});

test('every painter has a swatch that is a picture', async () => {
  for (const name of await painters.list()) {
    const { format, width, height } = await sharp(await painters.swatch(name)).metadata();
    expect([name, format, width, height]).toEqual([name, 'jpeg', 512, 384]);
  }
});

test('a name is a name and not a path', async () => {
  await expect(painters.bytes('../nets/rife')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  await expect(painters.swatch('nobody')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
});
