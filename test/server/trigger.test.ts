import type { ServerMessage, TriggerHost } from '#protocol/messages';
import { TriggerDesk, type Panel } from '../../bridge-server/src/server/trigger-desk';
import { openTestBridge, TestClient, type OpenBridge } from '../fakes/bridge-client';
import { eventually, makePlace } from '../fakes/jobs';

const action = 'stylize-selection';

type FakePanel = Panel & { readonly told: string[]; acted: number };

/** A panel that takes every ticket at once, or lies still. */
function makePanel(desk: TriggerDesk, isAwake = true): FakePanel {
  const panel: FakePanel = {
    told: [],
    acted: 0,
    send(message: ServerMessage) {
      if (message.type !== 'trigger') return;
      panel.told.push(message.ticket);
      if (isAwake && desk.take(panel, message.ticket)) panel.acted++;
    },
  };
  return panel;
}

const makeDesk = () => new TriggerDesk({ takeMs: 30 });

test('of several panels only the one that a person turned to last is told', async () => {
  const desk = makeDesk();
  const panels = [makePanel(desk), makePanel(desk), makePanel(desk)];
  panels.forEach(panel => desk.attend(panel, 'premiere', true));
  desk.attend(panels[1], 'premiere', true);
  expect(await desk.fire({ action })).toBe('premiere');
  expect(panels.map(panel => [panel.told.length, panel.acted])).toEqual([
    [0, 0],
    [1, 1],
    [0, 0],
  ]);
});

test('a panel with something marked goes before one that was turned to later', async () => {
  const desk = makeDesk();
  const [marked, empty] = [makePanel(desk), makePanel(desk)];
  desk.attend(marked, 'aftereffects', true);
  desk.attend(empty, 'browser', false);
  expect(await desk.fire({ action })).toBe('aftereffects');
  expect([marked.acted, empty.acted]).toEqual([1, 0]);
});

test('what is finished is placed by an application with a timeline, also when nothing is marked there', async () => {
  const desk = makeDesk();
  const [timeline, browser] = [makePanel(desk), makePanel(desk)];
  desk.attend(timeline, 'premiere', false);
  desk.attend(browser, 'browser', true);
  expect(await desk.fire({ action: 'place-finished' })).toBe('premiere');
  expect([timeline.acted, browser.acted]).toEqual([1, 0]);
});

test('the host that the tool names gets it, or nobody', async () => {
  const desk = makeDesk();
  const [one, other] = [makePanel(desk), makePanel(desk)];
  desk.attend(one, 'premiere', false);
  desk.attend(other, 'aftereffects', true);
  expect(await desk.fire({ action }, 'premiere')).toBe('premiere');
  await expect(desk.fire({ action }, 'browser')).rejects.toMatchObject({ code: 'PANEL_NOT_OPEN' });
  expect([one.acted, other.acted]).toEqual([1, 0]);
});

test('a panel that sleeps is passed over, and granted nothing when it wakes', async () => {
  const desk = makeDesk();
  const [awake, asleep] = [makePanel(desk), makePanel(desk, false)];
  desk.attend(awake, 'premiere', true);
  desk.attend(asleep, 'premiere', true);
  await desk.fire({ action });
  expect([awake.acted, asleep.told.length]).toEqual([1, 1]);
  expect(desk.take(asleep, asleep.told[0])).toBe(false);
});

test('a ticket is good once, and for the panel that was told', async () => {
  const desk = makeDesk();
  const [panel, thief] = [makePanel(desk, false), makePanel(desk)];
  desk.attend(panel, 'premiere', true);
  const fired = desk.fire({ action });
  expect(desk.take(thief, panel.told[0])).toBe(false);
  expect(desk.take(panel, panel.told[0])).toBe(true);
  expect(desk.take(panel, panel.told[0])).toBe(false);
  expect(await fired).toBe('premiere');
});

test('with all panels asleep or gone the tool is told so', async () => {
  const desk = makeDesk();
  await expect(desk.fire({ action })).rejects.toMatchObject({ code: 'PANEL_NOT_OPEN' });
  const panel = makePanel(desk, false);
  desk.attend(panel, 'premiere', true);
  await expect(desk.fire({ action })).rejects.toMatchObject({ code: 'PANEL_NOT_OPEN' });
  desk.forget(panel);
  await expect(desk.fire({ action })).rejects.toMatchObject({ code: 'PANEL_NOT_OPEN' });
});

describe('over HTTP and sockets', () => {
  const place = makePlace();
  let open: OpenBridge;
  beforeAll(async () => {
    open = await openTestBridge(place);
  });
  afterAll(async () => {
    await open.close();
    place.remove();
  });

  const fire = async (query = '', name: string = action) => {
    const { address, token } = open.bridge;
    const response = await fetch(`${address}/trigger/${name}${query}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}` },
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const join = async (host: TriggerHost, marked: boolean) => {
    const client = await TestClient.connect(open.bridge);
    await client.ask('attend', { host, marked });
    const triggers = () => client.messages.filter(message => message.type === 'trigger');
    return { client, triggers };
  };

  test('one panel acts, the others hear nothing, and the answer names its host', async () => {
    expect((await fire()).status).toBe(409);
    const [premiere, browser] = [await join('premiere', true), await join('browser', false)];
    const answer = fire('?preset=starry-night');
    await eventually(() => premiere.triggers().length > 0);
    const [{ ticket, preset }] = premiere.triggers();
    expect(preset).toBe('starry-night');
    expect(await browser.client.ask('trigger-take', { ticket })).toEqual({ granted: false });
    expect(await premiere.client.ask('trigger-take', { ticket })).toEqual({ granted: true });
    expect(await answer).toEqual({ status: 200, body: { panels: 1, host: 'premiere' } });
    expect(browser.triggers()).toEqual([]);
    premiere.client.close();
    browser.client.close();
  });

  test('a preset, an action or a host that does not exist is refused before anybody is told', async () => {
    const { client, triggers } = await join('premiere', true);
    expect((await fire('?preset=no-such')).status).toBe(404);
    expect((await fire('?host=photoshop')).status).toBe(400);
    expect((await fire('', 'rm-rf')).status).toBe(400);
    expect(triggers()).toEqual([]);
    client.close();
  });
});
