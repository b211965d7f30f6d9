import { randomUUID } from 'node:crypto';
import { AppError } from '#protocol/errors';
import type { ServerMessage, TriggerHost } from '#protocol/messages';

/** What can be told of a trigger: a panel's connection. */
export type Panel = { send(message: ServerMessage): void };

type Attention = { readonly host: TriggerHost; readonly marked: boolean; readonly at: number };
type Trigger = Omit<Extract<ServerMessage, { type: 'trigger' }>, 'type' | 'ticket'>;

/** A panel that does not take its trigger by then is asleep, or its line is dead. */
const takeMs = 1500;
const triedAtMost = 3;

/**
 * Brings a trigger to exactly one of the open panels. Each is told in turn and must take its ticket before it acts; a
 * ticket that was passed on is granted to nobody any more, so that nothing is rendered twice.
 */
export class TriggerDesk {
  private readonly panels = new Map<Panel, Attention>();
  private readonly tickets = new Map<string, { readonly panel: Panel; readonly grant: () => void }>();
  private clock = 0;

  constructor(private readonly options: { readonly takeMs?: number } = {}) {}

  /** A person has turned to the panel, or what is marked in it has changed. */
  attend(panel: Panel, host: TriggerHost, marked: boolean): void {
    this.panels.set(panel, { host, marked, at: ++this.clock });
  }

  forget(panel: Panel): void {
    this.panels.delete(panel);
  }

  /** @returns whether the panel is the one that acts */
  take(panel: Panel, ticket: string): boolean {
    const found = this.tickets.get(ticket);
    if (found?.panel !== panel) return false;
    this.tickets.delete(ticket);
    found.grant();
    return true;
  }

  /**
   * @param host only panels in this application, where the tool names one
   * @returns where it is acted upon @throws AppError PANEL_NOT_OPEN
   */
  async fire(trigger: Trigger, host?: TriggerHost): Promise<TriggerHost> {
    for (const panel of this.candidates(trigger, host).slice(0, triedAtMost)) {
      const attention = this.panels.get(panel);
      if (attention && (await this.offer(panel, trigger))) return attention.host;
    }
    throw new AppError('PANEL_NOT_OPEN');
  }

  /** Something to stylize, or a timeline to place on, counts first; then the panel that a person turned to last. */
  private candidates({ action }: Trigger, host: TriggerHost | undefined): Panel[] {
    const fits = ({ host: own, marked }: Attention) => (action === 'stylize-selection' ? marked : own !== 'browser');
    return [...this.panels]
      .filter(([, attention]) => host === undefined || attention.host === host)
      .sort(([, a], [, b]) => Number(fits(b)) - Number(fits(a)) || b.at - a.at)
      .map(([panel]) => panel);
  }

  private offer(panel: Panel, trigger: Trigger): Promise<boolean> {
    const ticket = randomUUID();
    return new Promise(resolve => {
      const timer = setTimeout(() => {
        this.tickets.delete(ticket);
        resolve(false);
      }, this.options.takeMs ?? takeMs);
      const grant = () => {
        clearTimeout(timer);
        resolve(true);
      };
      this.tickets.set(ticket, { panel, grant });
      panel.send({ type: 'trigger', ticket, ...trigger });
    });
  }
}
