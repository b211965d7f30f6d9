import { readFileSync } from 'node:fs';
import { rm, writeFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import { probeDims, readNetFile } from '../../bridge-server/src/models/import-file';
import { describeModel, fromModel } from '../../bridge-server/src/graph/model';
import { damageFile, makeDice } from './damage';

/** Reads a net as the importers do, but from memory. */
const read = (bytes: Uint8Array) => {
  const inputDims = probeDims(describeModel(bytes, 'fuzz'), 64);
  return fromModel(bytes, { name: 'fuzz', inputDims });
};
const nets = join(__dirname, '../../bridge-server/nets');
const upscaler = () => new Uint8Array(readFileSync(join(nets, 'upconv7-scale2x.onnx')));

test('an ONNX file that is cut short or has bits turned is read or refused with a place', () => {
  const bytes = upscaler();
  // Structure stands at both ends of the weights; most turned bits of a weight give another weight.
  const report = damageFile(bytes, read, { cuts: 60, flips: 140, headBytes: 4000 });
  expect(report.refused).toBeGreaterThan(70);
  expect(report.places.size).toBeGreaterThan(3);
  expect(report.slowestMs).toBeLessThan(5000);
});

test('hostile bytes under the name of a net of any format are refused with a code', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reverie-hostile-'));
  const dice = makeDice(11);
  const heads = [
    new Uint8Array(0),
    // A protobuf length of 2^63, nested messages without an end, a zip, a script, a picture.
    Uint8Array.from([0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
    Uint8Array.from(Array.from({ length: 2000 }, () => 0x3a)),
    new TextEncoder().encode('PK\u0003\u0004'),
    new TextEncoder().encode('#!/bin/sh\nrm -rf /\n'),
    Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    // FlatBuffers with offsets behind the end, and a pickle that would run a command.
    Uint8Array.from([0xff, 0xff, 0xff, 0x7f, 0x54, 0x46, 0x4c, 0x33, 0, 0, 0, 0]),
    new TextEncoder().encode("cos\nsystem\n(S'touch /tmp/owned'\ntR."),
    new TextEncoder().encode('7767517\n99999999 99999999\n'),
  ];
  try {
    let count = 0;
    for (const ending of ['.onnx', '.caffemodel', '.param', '.tflite', '.pth', '.zip', '']) {
      for (const head of heads) {
        for (let trial = 0; trial < 3; trial++) {
          const tail = Uint8Array.from({ length: dice(400) }, () => dice(256));
          const path = join(folder, `net-${count++}${ending}`);
          await writeFile(path, Buffer.concat([head, tail]));
          if (ending === '.param') await writeFile(path.replace(/param$/, 'bin'), tail);
          const refusal = await readNetFile(path, 'hostile').then(
            () => undefined,
            (error: unknown) => error,
          );
          expect(refusal).toBeInstanceOf(AppError);
          expect(['NET_DAMAGED', 'NET_UNSUPPORTED', 'NET_UNKNOWN_FORMAT', 'FILE_NOT_FOUND']).toContain(
            (refusal as AppError).code,
          );
        }
      }
    }
    expect(count).toBeGreaterThan(180);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
