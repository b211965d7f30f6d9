import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { findFfmpeg } from '../../bridge-server/src/media/find-ffmpeg';
import { describeWithBrowser, makeHome, openPanel, root, usePanelWorld } from './panel-page';

const googlenet = join(root, '../shared/models/classify/bvlc_googlenet.onnx');
if (!existsSync(googlenet)) console.warn('skipped: the atlas of an imported GoogLeNet (../shared/models is absent)');
const testWithGooglenet = existsSync(googlenet) ? test : test.skip;

/** A dream made by looking, with the real net: layers as pictures, a click, a still, a clip. */
describeWithBrowser('the dream page in a browser', () => {
  const home = makeHome();
  const clip = join(home, 'Shot.mp4');

  const world = usePanelWorld({
    home,
    viewport: { width: 1100, height: 800 },
    async prepare() {
      const { path } = await findFfmpeg();
      const source = ['-f', 'lavfi', '-i', 'testsrc2=size=96x64:rate=25', '-frames:v', '4', '-pix_fmt', 'yuv420p'];
      execFileSync(path, ['-v', 'error', ...source, clip]);
      if (existsSync(googlenet))
        execFileSync(process.execPath, [join(root, 'dist/server/cli.js'), 'models', 'import', googlenet], {
          env: { ...process.env, REVERIE_HOME: join(home, 'reverie') },
        });
    },
  });

  test('from the atlas to the rendered range; a still does not end the atlas', async () => {
    const { page, complaints } = await openPanel(world.context, world.bridge.url);
    page.setDefaultTimeout(180_000);
    await page.setInputFiles('input[type=file][accept*=video]', clip);
    await page.getByText('4 frames').first().waitFor();
    await page.getByRole('radio', { name: '50 frames a second' }).first().click();
    await page.getByRole('tab', { name: 'Dream' }).click();
    await page.getByRole('button', { name: 'Show the layers' }).click();
    const tiles = page.locator('button[aria-label^="Dream of "]');
    await tiles.nth(1).waitFor();

    await tiles.nth(1).click();
    expect(await tiles.nth(1).getAttribute('aria-pressed')).toBe('true');
    await page.getByRole('slider', { name: 'Strength', exact: true }).focus();
    await page.keyboard.press('ArrowLeft');
    await page.getByRole('slider', { name: 'Octaves', exact: true }).focus();
    await page.keyboard.press('ArrowLeft');
    await page.locator('img[alt^="Painted frame"]').waitFor();

    // The still came in between; the other layers follow.
    const before = await tiles.count();
    await tiles.nth(before + 1).waitFor();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Save all…' }).click(),
    ]);
    const zip = join(home, 'atlas.zip');
    await saved.saveAs(zip);
    expect(
      Object.keys(unzipSync(readFileSync(zip))).filter(name => name.endsWith('.jpg')).length,
    ).toBeGreaterThanOrEqual(4);

    await page.getByRole('button', { name: 'Stylize' }).click();
    await page.locator('[data-job][data-status=done]').waitFor();
    const report = await page.evaluate(async () => {
      const job = document.querySelector('[data-job]')?.getAttribute('data-job');
      return (await fetch(`/jobs/${job}/report`)).text();
    });
    expect(report).toMatch(/"stage": "dream",[^}]*"frames": 4/);
    expect(report).toContain('"openimages"');
    expect(complaints).toEqual([]);
  }, 600_000);

  testWithGooglenet(
    'another net is looked at without changing the preset, and comes with the layer that is picked',
    async () => {
      const { page, complaints } = await openPanel(world.context, world.bridge.url);
      page.setDefaultTimeout(180_000);
      await page.setInputFiles('input[type=file][accept*=video]', clip);
      await page.getByText('4 frames').first().waitFor();
      // The classics come with the net.
      await page.getByRole('radio', { name: 'Dream: the classic' }).first().waitFor();
      await page.getByRole('radio', { name: 'Dream: objects' }).first().click();
      await page.getByRole('tab', { name: 'Dream' }).click();
      await page.getByRole('combobox', { name: 'Net', exact: true }).first().selectOption('bvlc_googlenet');
      const tiles = page.locator('button[aria-label^="Dream of "]');
      await tiles.nth(2).waitFor();
      const coming = await page.getByRole('status').filter({ hasText: '66' }).textContent();
      expect(coming).toMatch(/of 66/);
      const layer = page.getByRole('combobox', { name: 'Layer' }).first();
      expect(await layer.inputValue()).toBe('ec12/expand');

      await page.getByRole('button', { name: 'Dream of conv2/3x3', exact: true }).click();
      expect(await layer.inputValue()).toBe('conv2/3x3');
      await page.getByRole('button', { name: 'Stop', exact: true }).click();
      const made = await tiles.count();
      expect(made).toBeLessThan(66);
      await page.locator('img[alt^="Painted frame"]').waitFor();

      // What was made before it was stopped comes at once.
      await page.getByRole('button', { name: 'Show the layers' }).click();
      await tiles.nth(made).waitFor();
      await page.getByRole('button', { name: 'Stop', exact: true }).click();
      expect(complaints).toEqual([]);
    },
    600_000,
  );
});
