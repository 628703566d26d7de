// The secrets that the guide names, as data. Formats follow the providers' own documents or public detectors' rules
// where one was seen; those marked "not confirmed" come from memory, so they warn and never block.
import { FORMATS, type FormatRule } from './formats.ts';
import type { Risk } from './types.ts';

export type { FormatRule } from './formats.ts';

/** What the guide calls a secret: it decides which findings a missing one makes. */
export type SecretGroup = 'critical' | 'webhook' | 'optional' | 'monitoring' | 'setting';

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
  /** How long the version before stays valid, in hours; its type's where it is not there. */
  readonly graceHours?: number;
  /** False for settings that are not secret. */
  readonly secret?: boolean;
  /** Another secret that may rightly hold the same value. */
  readonly mayEqual?: string;
}

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
    formats: FORMATS.supabaseKey,
    formatsConfirmed: true,
  },
  {
    name: 'OPENAI_API_KEY',
    type: 'api_key',
    group: 'critical',
    purpose: 'AI services',
    provider: 'OpenAI',
    page: 'https://platform.openai.com/api-keys',
    formats: FORMATS.openaiKey,
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
    formats: FORMATS.retellKey,
  },
  {
    name: 'TELNYX_API_KEY',
    type: 'api_key',
    group: 'critical',
    purpose: 'telephony',
    provider: 'Telnyx',
    page: 'https://portal.telnyx.com/#/app/api-keys',
    // Not confirmed.
    formats: FORMATS.telnyxKey,
  },
  {
    name: 'STRIPE_SECRET_KEY',
    type: 'api_key',
    group: 'critical',
    purpose: 'payments',
    provider: 'Stripe',
    page: 'https://dashboard.stripe.com/apikeys',
    formats: FORMATS.stripeKey,
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
    formats: FORMATS.resendKey,
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
    formats: FORMATS.telnyxPublicKey,
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
    formats: FORMATS.stripeWebhook,
  },
  {
    name: 'SLACK_WEBHOOK_URL',
    type: 'url',
    group: 'optional',
    purpose: 'alerts to a channel',
    provider: 'Slack',
    page: 'https://api.slack.com/apps',
    formats: FORMATS.slackWebhook,
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
    formats: FORMATS.googleClientSecret,
  },
  {
    name: 'GOOGLE_CLIENT_ID',
    type: 'generic',
    group: 'setting',
    purpose: 'which client the Google secret belongs to',
    provider: 'Google',
    page: 'https://console.cloud.google.com/apis/credentials',
    secret: false,
    risk: 'low',
  },
  {
    name: 'DATABASE_URL',
    type: 'database_key',
    group: 'optional',
    purpose: "the application's own database",
    provider: 'PostgreSQL',
    formats: FORMATS.postgresUrl,
    formatsConfirmed: true,
    risk: 'critical',
  },
  {
    name: 'GITHUB_TOKEN',
    type: 'api_key',
    group: 'optional',
    purpose: 'source code and Actions',
    provider: 'GitHub',
    page: 'https://github.com/settings/tokens',
    formats: FORMATS.githubToken,
    formatsConfirmed: true,
  },
  {
    name: 'VERCEL_TOKEN',
    type: 'api_key',
    group: 'optional',
    purpose: 'deployments and their environment variables',
    provider: 'Vercel',
    page: 'https://vercel.com/account/settings/tokens',
    // Not confirmed.
    formats: FORMATS.vercelToken,
  },
  {
    name: 'RESEND_WEBHOOK_SECRET',
    type: 'webhook_secret',
    group: 'optional',
    purpose: "checks that a webhook is Resend's own",
    provider: 'Resend',
    page: 'https://resend.com/webhooks',
    // Not confirmed beyond the prefix.
    formats: FORMATS.resendWebhook,
  },
  {
    name: 'CLEARBIT_API_KEY',
    type: 'api_key',
    group: 'optional',
    purpose: 'facts about companies and leads',
    provider: 'Clearbit',
    page: 'https://dashboard.clearbit.com/api',
    // Not confirmed: the service takes no new customers, and its documents are gone.
    risk: 'medium',
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
    purpose: 'the SIP connection that calls go through',
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
