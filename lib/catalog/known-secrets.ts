// The secrets that the guide names, as data. Formats follow the providers' own documents or public detectors' rules
// where one was seen; those marked "not confirmed" come from memory, so they warn and never block.
import type { Risk } from './types.ts';

/** What the guide calls a secret: it decides which findings a missing one makes. */
export type SecretGroup = 'critical' | 'webhook' | 'optional' | 'monitoring' | 'setting';

/** One form that a value may have. */
export interface FormatRule {
  /** A regular expression over the whole value. */
  readonly expression: string;
  /** What it is, in words: "a live secret key". */
  readonly words: string;
  /** Set where the form tells a test key from a live one. */
  readonly mode?: 'test' | 'live';
  /** Set where the form is on its way out: what to do instead. */
  readonly retiring?: string;
}

export interface KnownSecret {
  readonly name: string;
  readonly type: string;
  readonly group: SecretGroup;
  readonly purpose: string;
  readonly provider?: string;
  /** The provider's page where a person makes a new one. */
  readonly page?: string;
  /** Forms that a value may have: none fits makes a finding. Empty where the provider promises none. */
  readonly formats?: readonly FormatRule[];
  /** False where no document of the provider confirms the formats: a value of another form is then only a hint. */
  readonly formatsConfirmed?: boolean;
  readonly risk?: Risk;
  readonly intervalDays?: number;
  /** False for settings that are not secret. */
  readonly secret?: boolean;
  /** Another secret that may rightly hold the same value. */
  readonly mayEqual?: string;
}

/** The host of a Slack incoming webhook, and the three kinds of paths (public detectors' rule). */
const SLACK_HOOK = 'https://hooks\\.slack\\.com/(services|workflows|triggers)/[A-Za-z0-9+/]{20,80}';

const JWT = 'eyJ[A-Za-z0-9_-]+\\.eyJ[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+';

export const KNOWN_SECRETS: readonly KnownSecret[] = [
  {
    name: 'JWT_SECRET',
    type: 'jwt_secret',
    group: 'critical',
    purpose: 'signs the sessions of your own users',
  },
  {
    name: 'SUPABASE_SERVICE_ROLE_KEY',
    type: 'database_key',
    group: 'critical',
    purpose: 'full access to the database',
    provider: 'Supabase',
    page: 'https://supabase.com/dashboard/project/_/settings/api-keys',
    formats: [
      { expression: 'sb_secret_[A-Za-z0-9_-]{20,}', words: 'a secret key (sb_secret_…)' },
      {
        expression: JWT,
        words: 'a legacy service_role key (a JWT)',
        retiring: 'Legacy keys end with 2026: make an sb_secret_… key on the same page and use that.',
      },
    ],
    formatsConfirmed: true,
  },
  {
    name: 'OPENAI_API_KEY',
    type: 'api_key',
    group: 'critical',
    purpose: 'AI services',
    provider: 'OpenAI',
    page: 'https://platform.openai.com/api-keys',
    formats: [
      {
        expression: 'sk-(proj|svcacct|admin)-[A-Za-z0-9_-]*T3BlbkFJ[A-Za-z0-9_-]*',
        words: 'a project or service account key (sk-proj-…)',
      },
      { expression: 'sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}', words: 'an older user key (sk-…)' },
    ],
    formatsConfirmed: true,
  },
  {
    name: 'RETELL_API_KEY',
    type: 'api_key',
    group: 'critical',
    purpose: 'voice AI',
    provider: 'Retell',
    page: 'https://dashboard.retellai.com/apiKey',
    // Not confirmed beyond the prefix.
    formats: [{ expression: 'key_[A-Za-z0-9]{8,}', words: 'an API key (key_…)' }],
  },
  {
    name: 'TELNYX_API_KEY',
    type: 'api_key',
    group: 'critical',
    purpose: 'telephony',
    provider: 'Telnyx',
    page: 'https://portal.telnyx.com/#/app/api-keys',
    // Not confirmed.
    formats: [{ expression: 'KEY[A-Za-z0-9_]{20,}', words: 'an API key (KEY…)' }],
  },
  {
    name: 'STRIPE_SECRET_KEY',
    type: 'api_key',
    group: 'critical',
    purpose: 'payments',
    provider: 'Stripe',
    page: 'https://dashboard.stripe.com/apikeys',
    formats: [
      { expression: '(sk|rk)_live_[A-Za-z0-9]{10,99}', words: 'a live key (sk_live_… or rk_live_…)', mode: 'live' },
      { expression: '(sk|rk)_test_[A-Za-z0-9]{10,99}', words: 'a test key (sk_test_… or rk_test_…)', mode: 'test' },
    ],
    formatsConfirmed: true,
  },
  {
    name: 'RESEND_API_KEY',
    type: 'api_key',
    group: 'critical',
    purpose: 'email',
    provider: 'Resend',
    page: 'https://resend.com/api-keys',
    // Not confirmed.
    formats: [{ expression: 're_[A-Za-z0-9_]{16,}', words: 'an API key (re_…)' }],
  },
  {
    name: 'RETELL_WEBHOOK_SECRET',
    type: 'webhook_secret',
    group: 'webhook',
    purpose: "checks that a webhook is Retell's own",
    provider: 'Retell',
    page: 'https://dashboard.retellai.com/apiKey',
    // Retell signs webhooks with the API key that is designated for it.
    mayEqual: 'RETELL_API_KEY',
  },
  {
    name: 'TELNYX_WEBHOOK_SECRET',
    // What Telnyx gives is the account's Ed25519 public key: not a secret, so strength rules do not apply.
    type: 'public_key',
    group: 'webhook',
    purpose: "checks that a webhook is Telnyx's own",
    provider: 'Telnyx',
    page: 'https://portal.telnyx.com/#/app/account/public-key',
    formats: [{ expression: '[A-Za-z0-9+/]{43}=', words: "the account's public key (base64 of 32 bytes)" }],
    formatsConfirmed: true,
    risk: 'high',
  },
  {
    name: 'STRIPE_WEBHOOK_SECRET',
    type: 'webhook_secret',
    group: 'webhook',
    purpose: "checks that a webhook is Stripe's own",
    provider: 'Stripe',
    page: 'https://dashboard.stripe.com/webhooks',
    // Not confirmed beyond the prefix.
    formats: [{ expression: 'whsec_[A-Za-z0-9+/=_-]{16,}', words: 'a signing secret (whsec_…)' }],
  },
  {
    name: 'SLACK_WEBHOOK_URL',
    type: 'url',
    group: 'optional',
    purpose: 'alerts to a channel',
    provider: 'Slack',
    page: 'https://api.slack.com/apps',
    formats: [{ expression: SLACK_HOOK, words: 'an incoming webhook (https://hooks.slack.com/…)' }],
    formatsConfirmed: true,
    risk: 'medium',
    intervalDays: 365,
  },
  {
    name: 'GOOGLE_CLIENT_SECRET',
    type: 'api_key',
    group: 'optional',
    purpose: 'calendar integration',
    provider: 'Google',
    page: 'https://console.cloud.google.com/apis/credentials',
    // Not confirmed.
    formats: [{ expression: 'GOCSPX-[A-Za-z0-9_-]{28}', words: 'a client secret (GOCSPX-…)' }],
  },
  {
    name: 'SYNTHETIC_MONITOR_BASE_URL',
    type: 'url',
    group: 'monitoring',
    purpose: 'where the hourly synthetic journey goes',
    secret: false,
  },
  {
    name: 'OUTREACH_RUNNER_URL',
    type: 'url',
    group: 'monitoring',
    purpose: 'the outreach runner of the production deployment',
    secret: false,
  },
  {
    name: 'MONITOR_EMPLOYEE_EMAIL',
    type: 'generic',
    group: 'monitoring',
    purpose: 'sign-in of the synthetic workspace monitor',
    formats: [{ expression: '[^@\\s]+@[^@\\s]+\\.[^@\\s]+', words: 'an email address' }],
    formatsConfirmed: true,
    risk: 'low',
    secret: false,
  },
  {
    name: 'MONITOR_EMPLOYEE_PASSWORD',
    type: 'password',
    group: 'monitoring',
    purpose: 'sign-in of the synthetic workspace monitor',
    risk: 'medium',
  },
  {
    name: 'TELNYX_MESSAGING_PROFILE_ID',
    type: 'generic',
    group: 'setting',
    purpose: 'which Telnyx messaging profile sends',
    provider: 'Telnyx',
    page: 'https://portal.telnyx.com/#/app/messaging',
    secret: false,
    risk: 'low',
  },
  {
    name: 'TELNYX_CONNECTION_ID',
    type: 'generic',
    group: 'setting',
    purpose: 'which Telnyx connection calls',
    provider: 'Telnyx',
    page: 'https://portal.telnyx.com/#/app/connections',
    secret: false,
    risk: 'low',
  },
  {
    name: 'NEXT_PUBLIC_SUPABASE_URL',
    type: 'url',
    group: 'setting',
    purpose: "the project's address",
    provider: 'Supabase',
    page: 'https://supabase.com/dashboard/project/_/settings/api-keys',
    secret: false,
  },
];
