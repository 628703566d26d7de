// Slack: incoming webhooks. The address is the secret.
import { FORMATS } from '../catalog/formats.ts';
import { commonResult } from './answers.ts';
import type { Call, CheckResult, Provider } from './provider.ts';

/** What Slack says of an address that does not work any more (from memory). */
const DEAD =
  /^(invalid_token|no_service|no_service_id|no_active_hooks|no_team|team_disabled|channel_is_archived|action_prohibited)$/;
/** What it says of one that works, to a message without text: nothing is posted (from memory). */
const ALIVE = /^(no_text|invalid_payload|missing_text_or_fallback_or_attachments)$/;

async function check(call: Call, value: string): Promise<CheckResult> {
  const url = new URL(value);
  const base = new URL(call.baseUrl);
  const answer = await call.http.send({
    method: 'POST',
    // Nothing is posted, so it may be asked twice.
    repeatable: true,
    url: `${base.origin}${url.pathname}`,
    json: {},
  });
  const common = commonResult('Slack', answer, call.now);
  if (common) return common;
  const said = 'text' in answer ? answer.text.trim().slice(0, 60) : '';
  if (answer.status === 400 && ALIVE.test(said)) {
    return { status: 'valid', detail: `Slack knows the webhook (${said}; nothing was posted)` };
  }
  if (DEAD.test(said)) return { status: 'refused', detail: `Slack does not know the webhook any more (${said})` };
  return { status: 'unreachable', detail: `Slack answers in a way that is not known here (${answer.status})` };
}

export const slack: Provider = {
  id: 'slack',
  title: 'Slack',
  docs: 'https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks',
  baseUrl: 'https://hooks.slack.com',
  // One message a second.
  atATime: 1,
  kinds: {
    url: {
      title: 'incoming webhook',
      formats: FORMATS.slackWebhook,
      check,
      byHand: {
        page: 'https://api.slack.com/apps',
        words: 'Add another webhook to the channel and paste its address; remove the old one after its grace.',
      },
    },
  },
  unconfirmed: ['the words of a live and of a dead webhook'],
};
