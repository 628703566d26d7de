// The channels that a project has declared.
import type { AlertSeverity, ChannelConfig } from '../../config/operations.ts';
import { asText, type Channel, type ChannelCall, type Message } from './channel.ts';
import { toPagerDuty, toResend, toSlack, toWebhook } from './http-channels.ts';
import { toSmtp } from './smtp.ts';

function sender(config: ChannelConfig): (call: ChannelCall, message: Message) => Promise<void> {
  switch (config.kind) {
    case 'slack':
      return toSlack;
    case 'webhook':
      return (call, message) => toWebhook(config, call, message);
    case 'smtp':
      return (call, message) => toSmtp(config, call, message);
    case 'resend':
      return (call, message) => toResend(config, call, message);
    case 'pagerduty':
      return (call, message) => toPagerDuty(config, call, message);
    default:
      return async (call, message) => call.print(asText(message));
  }
}

function titleOf(config: ChannelConfig): string {
  switch (config.kind) {
    case 'slack':
      return 'Slack';
    case 'webhook':
      return `webhook at ${new URL(config.url).host}`;
    case 'smtp':
      return `email to ${config.to.join(', ')} by ${config.host}`;
    case 'resend':
      return `email to ${config.to.join(', ')} by Resend`;
    case 'pagerduty':
      return 'PagerDuty';
    default:
      return 'standard output';
  }
}

function secretOf(config: ChannelConfig): string | undefined {
  if (config.kind === 'slack') return config.url;
  if (config.kind === 'webhook') return config.secret;
  if (config.kind === 'resend' || config.kind === 'pagerduty') return config.key;
  return config.kind === 'smtp' ? config.password : undefined;
}

export function channelsOf(declared: Readonly<Record<string, ChannelConfig>>): Channel[] {
  return Object.entries(declared).map(([id, config]) => ({
    id,
    kind: config.kind,
    title: titleOf(config),
    from: config.from ?? 'medium',
    secret: secretOf(config),
    send: sender(config),
  }));
}

const ORDER: readonly AlertSeverity[] = ['critical', 'high', 'medium', 'low', 'info'];

/** Whether a channel is told of alerts of a severity. */
export function isTold(channel: Channel, severity: AlertSeverity): boolean {
  return ORDER.indexOf(severity) <= ORDER.indexOf(channel.from);
}

/** True where `a` is worse than `b`. */
export function isWorse(a: AlertSeverity, b: AlertSeverity): boolean {
  return ORDER.indexOf(a) < ORDER.indexOf(b);
}
