// What a channel is to the rest: a way to tell people of an alert.
import type { AlertSeverity } from '../../config/operations.ts';
import { OutsideError } from '../../errors.ts';
import type { Http } from '../../providers/http.ts';
import type { AlertEvent } from '../../store/states.ts';

/** What is told. Kept with each delivery until it has arrived; never a value. */
export interface Message {
  /** Names the delivery: the same one, told twice, has the same id. */
  readonly id: string;
  readonly event: AlertEvent;
  readonly alert: {
    readonly id: string;
    /** Names the condition: what is resolved has the key of what fired. */
    readonly key: string;
    readonly kind: string;
    readonly severity: AlertSeverity;
    readonly project: string | null;
    readonly environment: string | null;
    readonly secret: string | null;
    readonly what: string;
    readonly mend: string;
    /** Milliseconds since 1970. */
    readonly openedAt: number;
  };
  /** Where to look closer; undefined where no server's address is known. */
  readonly link?: string | undefined;
  /** A file that goes along where the channel takes files. */
  readonly file?: { readonly name: string; readonly type: string; readonly text: string } | undefined;
}

export interface ChannelCall {
  readonly http: Http;
  /** The channel's own secret; empty for one that needs none. */
  readonly secret: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Writes a line to standard output. */
  readonly print: (line: string) => void;
}

export interface Channel {
  readonly id: string;
  readonly kind: string;
  /** Where it leads, without a secret. */
  readonly title: string;
  /** From which severity on it is told. */
  readonly from: AlertSeverity;
  /** The name of its own secret. */
  readonly secret: string | undefined;
  /** @throws ChannelError */
  send(call: ChannelCall, message: Message): Promise<void>;
}

/** A channel did not take a message. */
export class ChannelError extends OutsideError {
  override readonly name = 'ChannelError';
}

/** One line that says it all: for subjects and plain text. */
export function headline(message: Message): string {
  const { alert, event } = message;
  if (event === 'test') return 'Keyturn: a test of this channel';
  if (event === 'report') return alert.what;
  const state = event === 'resolved' ? 'Resolved' : alert.severity.toUpperCase();
  const place = alert.environment === null ? '' : ` [${alert.environment}]`;
  return `${state}${place}: ${alert.what}`;
}

/** The whole message as plain text. */
export function asText(message: Message): string {
  const { alert, event, link } = message;
  const lines = [headline(message)];
  if (event !== 'resolved') lines.push('', alert.mend);
  if (event === 'report')
    return [...lines, '', `Report ${alert.id}.`, ...(link === undefined ? [] : [link])].join('\n');
  lines.push('', `Alert ${alert.id}, open since ${new Date(alert.openedAt).toISOString()}.`);
  if (event !== 'resolved' && event !== 'test') lines.push(`Acknowledge: keyturn alerts ack ${alert.id}`);
  if (link !== undefined) lines.push(link);
  return lines.join('\n');
}
