// The channels that are one HTTP request: Slack, a webhook of one's own, Resend, PagerDuty.
import type { ChannelConfig } from '../../config/operations.ts';
import type { HttpRequest } from '../../providers/http.ts';
import { standardHeaders } from '../../providers/signatures.ts';
import { asText, type ChannelCall, ChannelError, headline, type Message } from './channel.ts';

type Of<K extends ChannelConfig['kind']> = Extract<ChannelConfig, { kind: K }>;

/** @throws ChannelError where it is not taken */
async function post(call: ChannelCall, title: string, request: Omit<HttpRequest, 'method'>): Promise<void> {
  const answer = await call.http.send({ method: 'POST', ...request });
  if (!('headers' in answer)) throw new ChannelError(`${title} could not be reached: ${answer.reason}`, true);
  if (answer.status >= 200 && answer.status < 300) return;
  throw new ChannelError(`${title} answers ${answer.status}`, answer.status === 429 || answer.status >= 500);
}

/** Slack's incoming webhooks, in blocks (docs.slack.dev/block-kit). */
export async function toSlack(call: ChannelCall, message: Message): Promise<void> {
  const { alert, event, link } = message;
  const text = escaped(headline(message));
  const facts = [
    ['Severity', alert.severity],
    ['Where', [alert.project, alert.environment].filter(Boolean).join('/') || 'the whole vault'],
    ['Secret', alert.secret ?? '–'],
    ['Since', new Date(alert.openedAt).toISOString()],
  ] as const;
  const blocks: object[] = [{ type: 'section', text: { type: 'mrkdwn', text: `*${text}*` } }];
  if (event !== 'report') {
    const fields = facts.map(([name, value]) => ({ type: 'mrkdwn', text: `*${name}*\n${escaped(value)}` }));
    blocks.push({ type: 'section', fields });
  }
  if (event !== 'resolved') blocks.push({ type: 'section', text: { type: 'mrkdwn', text: escaped(alert.mend) } });
  if (link !== undefined) {
    blocks.push({
      type: 'actions',
      elements: [{ type: 'button', text: { type: 'plain_text', text: 'Open in Keyturn' }, url: link }],
    });
  }
  blocks.push({
    type: 'context',
    elements: [{ type: 'mrkdwn', text: `${event === 'report' ? 'Report' : 'Alert'} ${alert.id} · ${alert.kind}` }],
  });
  await post(call, 'Slack', { url: call.secret, json: { text, blocks } });
}

/** Slack reads these three as its own (docs.slack.dev, "Escaping text"). */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** A webhook of one's own, signed as Standard Webhooks says. */
export async function toWebhook(config: Of<'webhook'>, call: ChannelCall, message: Message): Promise<void> {
  const body = JSON.stringify({
    type: message.event === 'report' ? 'report.made' : `alert.${message.event}`,
    timestamp: new Date(call.now).toISOString(),
    data: { ...message.alert, link: message.link ?? null },
  });
  const headers = standardHeaders('webhook', call.secret, message.id, body, call.now);
  await post(call, 'The webhook', { url: config.url, headers, raw: { type: 'application/json', body } });
}

/** Resend (POST /emails); the id keeps a message from being sent twice. */
export async function toResend(config: Of<'resend'>, call: ChannelCall, message: Message): Promise<void> {
  await post(call, 'Resend', {
    url: `${(config.baseUrl ?? 'https://api.resend.com').replace(/\/$/, '')}/emails`,
    headers: { authorization: `Bearer ${call.secret}`, 'idempotency-key': message.id },
    json: {
      from: config.sender,
      to: config.to,
      subject: headline(message),
      text: asText(message),
      ...(message.file && {
        attachments: [{ filename: message.file.name, content: Buffer.from(message.file.text).toString('base64') }],
      }),
    },
  });
}

/** PagerDuty's severities (Events API v2). */
const PAGERDUTY = { critical: 'critical', high: 'error', medium: 'warning', low: 'info', info: 'info' } as const;

/** PagerDuty Events v2: what is resolved ends what was triggered under the same key. */
export async function toPagerDuty(config: Of<'pagerduty'>, call: ChannelCall, message: Message): Promise<void> {
  const { alert, event, link } = message;
  const action = event === 'resolved' ? 'resolve' : 'trigger';
  await post(call, 'PagerDuty', {
    url: `${(config.baseUrl ?? 'https://events.pagerduty.com').replace(/\/$/, '')}/v2/enqueue`,
    json: {
      routing_key: call.secret,
      event_action: action,
      dedup_key: event === 'test' ? message.id : alert.key,
      ...(action === 'trigger' && {
        payload: {
          summary: headline(message).slice(0, 1024),
          source: [alert.project, alert.environment].filter(Boolean).join('/') || 'keyturn',
          severity: PAGERDUTY[alert.severity],
          class: alert.kind,
          ...(alert.secret !== null && { component: alert.secret }),
          timestamp: new Date(alert.openedAt).toISOString(),
          custom_details: { mend: alert.mend, alert: alert.id },
        },
        client: 'Keyturn',
        ...(link !== undefined && { client_url: link }),
      }),
    },
  });
}
