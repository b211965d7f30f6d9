import { Silence } from '../../bridge-server/src/media/silence';

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

function standStill(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('silence', () => {
  let tooLong: number;
  let silence: Silence;
  beforeEach(() => {
    tooLong = 0;
    silence = new Silence(240, () => tooLong++);
  });
  afterEach(() => silence.over());

  test('is noticed once when nothing is heard for so long', async () => {
    silence.heard();
    await pause(1000);
    expect(tooLong).toBe(1);
  });

  test('is none while something is heard now and then, and none when nothing is expected', async () => {
    for (let i = 0; i < 4; i++) {
      silence.heard();
      await pause(60);
    }
    silence.over();
    await pause(600);
    expect(tooLong).toBe(0);
  });

  test('is not what passes while the program itself stands still', async () => {
    silence.heard();
    standStill(600);
    await pause(1);
    expect(tooLong).toBe(0);
  });
});
