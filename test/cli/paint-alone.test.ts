import { aloneFrames } from '../../bridge-server/src/cli/paint-alone';

test('neighbouring frames are painted alone, inside the clip and not its first', () => {
  expect([...aloneFrames(100)]).toEqual([24, 25, 74, 75]);
  expect([...aloneFrames(5)]).toEqual([1, 2, 3, 4]);
  expect([...aloneFrames(2)]).toEqual([1]);
  expect([...aloneFrames(1)]).toEqual([]);
});
