/**
 * Preloaded into a worker (`node -r`): writes down what the process made durable, so that a test can play a power loss.
 * Lines of the file SYNC_LOG: a file synced (path, size, time), a folder synced, a name changed.
 */
const fs = require('node:fs');
const promises = require('node:fs/promises');
const log = process.env.SYNC_LOG;

const note = line => fs.appendFileSync(log, `${JSON.stringify(line)}\n`);
const synced = fd => {
  const path = fs.readlinkSync(`/proc/self/fd/${fd}`);
  const state = fs.fstatSync(fd);
  note(state.isDirectory() ? { folder: path } : { file: path, size: state.size, mtimeMs: state.mtimeMs });
};

const open = promises.open;
promises.open = async (...args) => {
  const handle = await open(...args);
  const sync = handle.sync.bind(handle);
  handle.sync = async () => {
    await sync();
    synced(handle.fd);
  };
  return handle;
};
const fsyncSync = fs.fsyncSync;
fs.fsyncSync = fd => {
  fsyncSync(fd);
  synced(fd);
};
const rename = promises.rename;
promises.rename = async (from, to) => {
  await rename(from, to);
  note({ from: String(from), to: String(to) });
};
const renameSync = fs.renameSync;
fs.renameSync = (from, to) => {
  renameSync(from, to);
  note({ from: String(from), to: String(to) });
};
