// What secrets look like in files, as data: the catalogue's provider formats that can be told from other text, and those
// of other services that a small team's repository holds. A rule is asked only where one of its marks stands.
import { FORMATS } from './formats.ts';

export interface LeakRule {
  /** Stable: allow files and code scanning name it. */
  readonly id: string;
  /** "a Stripe live key" */
  readonly words: string;
  /** How every such value begins: one of these. */
  readonly marks: readonly string[];
  /** What is matched. A group named `secret` is the value where the match is more than that. */
  readonly expression: string;
  /** Least entropy of the value, in bits a character (Shannon); it keeps out identifiers and examples. */
  readonly entropy?: number;
  readonly severity: 'critical' | 'high' | 'medium';
  /** Where to end it, for a person. */
  readonly page?: string;
}

/** A value that a letter, digit or _ goes on from is another word. */
const BEFORE = '(?<![A-Za-z0-9_])';
const AFTER = '(?![A-Za-z0-9_])';

function whole(expression: string): string {
  return `${BEFORE}(?:${expression})${AFTER}`;
}

function formats(name: keyof typeof FORMATS): string {
  return whole(FORMATS[name].map((format) => format.expression).join('|'));
}

export const LEAK_RULES: readonly LeakRule[] = [
  {
    id: 'stripe-live-key',
    words: 'a Stripe live key',
    marks: ['sk_live_', 'rk_live_'],
    expression: whole('(?:sk|rk)_live_[A-Za-z0-9]{10,99}'),
    entropy: 3,
    severity: 'critical',
    page: 'https://dashboard.stripe.com/apikeys',
  },
  {
    id: 'stripe-test-key',
    words: 'a Stripe test key',
    marks: ['sk_test_', 'rk_test_'],
    expression: whole('(?:sk|rk)_test_[A-Za-z0-9]{10,99}'),
    entropy: 3,
    severity: 'medium',
    page: 'https://dashboard.stripe.com/test/apikeys',
  },
  {
    id: 'webhook-signing-secret',
    words: 'a webhook signing secret (whsec_…)',
    marks: ['whsec_'],
    expression: `${BEFORE}whsec_[A-Za-z0-9+/=_-]{16,}`,
    entropy: 3.5,
    severity: 'high',
  },
  {
    id: 'telnyx-key',
    words: 'a Telnyx API key',
    marks: ['KEY0'],
    expression: whole('KEY0[A-Za-z0-9]{10,}_[A-Za-z0-9]{10,}|KEY0[A-Za-z0-9]{30,}'),
    entropy: 3.5,
    severity: 'high',
    page: 'https://portal.telnyx.com/#/app/api-keys',
  },
  {
    id: 'retell-key',
    words: 'a Retell API key',
    marks: ['key_'],
    expression: whole('key_(?=[a-z0-9]*[0-9])(?=[a-z0-9]*[a-z])[a-z0-9]{24,}'),
    entropy: 3.2,
    severity: 'high',
    page: 'https://dashboard.retellai.com/apiKey',
  },
  {
    id: 'openai-key',
    words: 'an OpenAI key',
    marks: ['sk-'],
    expression: formats('openaiKey'),
    severity: 'critical',
    page: 'https://platform.openai.com/api-keys',
  },
  {
    id: 'anthropic-key',
    words: 'an Anthropic key',
    marks: ['sk-ant-'],
    expression: whole('sk-ant-[a-z0-9]+-[A-Za-z0-9_-]{40,}'),
    severity: 'critical',
  },
  {
    id: 'resend-key',
    words: 'a Resend API key',
    marks: ['re_'],
    expression: whole('re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}'),
    entropy: 3.5,
    severity: 'high',
    page: 'https://resend.com/api-keys',
  },
  {
    id: 'supabase-secret-key',
    words: 'a Supabase secret key',
    marks: ['sb_secret_'],
    expression: `${BEFORE}sb_secret_[A-Za-z0-9_-]{20,}`,
    entropy: 3.5,
    severity: 'critical',
    page: 'https://supabase.com/dashboard/project/_/settings/api-keys',
  },
  {
    id: 'supabase-access-token',
    words: 'a Supabase access token',
    marks: ['sbp_'],
    expression: whole('sbp_[a-f0-9]{40}'),
    severity: 'critical',
  },
  {
    id: 'json-web-token',
    words: 'a JSON Web Token',
    marks: ['eyJ'],
    expression: `${BEFORE}eyJ[A-Za-z0-9_-]{15,}\\.eyJ[A-Za-z0-9_-]{15,}\\.[A-Za-z0-9_-]{20,}`,
    severity: 'high',
  },
  {
    id: 'slack-webhook',
    words: 'a Slack incoming webhook',
    marks: ['https://hooks.slack.com'],
    expression: FORMATS.slackWebhook[0].expression,
    entropy: 3.5,
    severity: 'high',
  },
  {
    id: 'slack-token',
    words: 'a Slack token',
    marks: ['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-', 'xapp-'],
    expression: `${BEFORE}(?:xox[abprs]|xapp)-[0-9A-Za-z-]{20,}`,
    entropy: 3,
    severity: 'high',
  },
  {
    id: 'google-client-secret',
    words: 'a Google client secret',
    marks: ['GOCSPX-'],
    expression: `${BEFORE}GOCSPX-[A-Za-z0-9_-]{28}(?![A-Za-z0-9_-])`,
    entropy: 3.5,
    severity: 'high',
    page: 'https://console.cloud.google.com/auth/clients',
  },
  {
    id: 'google-api-key',
    words: 'a Google API key',
    marks: ['AIza'],
    expression: `${BEFORE}AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])`,
    entropy: 3.5,
    severity: 'high',
  },
  {
    id: 'github-token',
    words: 'a GitHub token',
    marks: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_'],
    expression: whole('gh[pour]_[0-9A-Za-z]{36}|ghs_[0-9A-Za-z._-]{36,}|github_pat_\\w{82}'),
    entropy: 3,
    severity: 'critical',
    page: 'https://github.com/settings/tokens',
  },
  {
    id: 'gitlab-token',
    words: 'a GitLab token',
    marks: ['glpat-'],
    expression: `${BEFORE}glpat-[A-Za-z0-9_-]{20,}`,
    entropy: 3,
    severity: 'high',
  },
  {
    id: 'npm-token',
    words: 'an npm token',
    marks: ['npm_'],
    expression: whole('npm_[A-Za-z0-9]{36}'),
    entropy: 3.5,
    severity: 'critical',
  },
  {
    id: 'vercel-token',
    words: 'a Vercel token',
    marks: ['vcp_', 'vci_', 'vca_', 'vcr_', 'vck_'],
    expression: `${BEFORE}vc[piark]_[A-Za-z0-9_-]{24,}`,
    entropy: 3.5,
    severity: 'critical',
    page: 'https://vercel.com/account/settings/tokens',
  },
  {
    id: 'aws-access-key',
    words: 'an AWS access key id',
    marks: ['AKIA', 'ASIA'],
    expression: whole('(?:AKIA|ASIA)[A-Z2-7]{16}'),
    entropy: 3,
    severity: 'high',
  },
  {
    id: 'sendgrid-key',
    words: 'a SendGrid key',
    marks: ['SG.'],
    expression: `${BEFORE}SG\\.[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}`,
    severity: 'high',
  },
  {
    id: 'private-key',
    words: 'a private key',
    marks: ['-----BEGIN '],
    // The header alone is in every program that reads keys: the key's own beginning has to follow.
    expression: '-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:[\\s"\'+,]|\\\\[nr])*(?<secret>[A-Za-z0-9+/]{40,})',
    severity: 'critical',
  },
  {
    id: 'database-url',
    words: "a database's address with its password",
    marks: ['postgres://', 'postgresql://', 'mysql://', 'mongodb://', 'mongodb+srv://', 'redis://', 'rediss://'],
    expression:
      '(?:postgres(?:ql)?|mysql|mongodb(?:\\+srv)?|rediss?)://[^\\s:/@"\'`<>$]*:(?<secret>[^\\s@/"\'`<>$*{}]{8,})@[^\\s"\'`<>]+',
    entropy: 2.5,
    severity: 'high',
  },
  {
    id: 'keyturn-token',
    words: 'a Keyturn token',
    marks: ['kt_'],
    expression: whole('kt_[a-z0-9]{1,24}_[0-9A-Za-z]{49}'),
    severity: 'critical',
  },
];

/** Names that say that what is set is a secret; in any case of letters. */
export const SECRET_WORDS = [
  'secret',
  'token',
  'passwd',
  'password',
  'passphrase',
  'api_key',
  'api-key',
  'apikey',
  'access_key',
  'accesskey',
  'private_key',
  'privatekey',
  'encryption_key',
  'signing_key',
  'service_role',
  'credential',
] as const;
