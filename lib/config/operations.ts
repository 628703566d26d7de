// What a project says of the world around its vault, as types: providers, destinations, services, the schedule, alerts.
// schema.ts checks the same with zod, and the compiler checks that the two agree.

/** Where in the vault something is taken from; the configuration's own project and environment where not given. */
export interface FromConfig {
  project?: string | undefined;
  environment?: string | undefined;
}

/**
 * A built-in provider's settings (docs/providers.md has each provider's own), or, with `kind: 'http'`, a provider of the
 * project's own.
 */
interface ProviderConfig {
  /** `http` for one that the project declares itself. */
  kind?: 'http' | undefined;
  /** Another address of a built-in provider. */
  baseUrl?: string | undefined;
  /** The name of the secret that may make and end keys, in the same environment. */
  admin?: string | undefined;
  /** What is different in some environments, by their names. */
  in?: Record<string, Record<string, unknown>> | undefined;
  [setting: string]: unknown;
}

/** Asks a running application which version it uses (`versionReport` of keyturn/client answers). */
export interface ProbeConfig {
  url: string;
  /** The name of the secret that the application was given as its probe key. */
  key: string;
}

interface AnyDestination {
  from?: FromConfig | undefined;
  /** Names or patterns with `*`. */
  secrets: string[];
  /** What a secret is called there, where that differs. */
  rename?: Record<string, string> | undefined;
  probe?: ProbeConfig | undefined;
}

export interface VercelDestination extends AnyDestination {
  kind: 'vercel';
  /** The project's id or name. */
  project: string;
  team?: string | undefined;
  /** `production` where not given. */
  targets?: ('production' | 'preview')[] | undefined;
  /** The name of the secret with the access token. */
  token: string;
  /** False to leave the redeployment to somebody else: then nothing is live by itself. */
  redeploy?: boolean | undefined;
  baseUrl?: string | undefined;
}

export interface GitHubDestination extends AnyDestination {
  kind: 'github';
  owner: string;
  /** Left out for the organisation's own secrets. */
  repository?: string | undefined;
  /** An environment of the repository. */
  githubEnvironment?: string | undefined;
  /** Who of an organisation's repositories sees it; `private` where not given. */
  visibility?: 'all' | 'private' | undefined;
  token: string;
  baseUrl?: string | undefined;
}

interface DotenvDestination extends AnyDestination {
  kind: 'dotenv';
  /** From the project's root. */
  path: string;
}

export interface KeyturnDestination extends AnyDestination {
  kind: 'keyturn';
  url: string;
  token: string;
  /** There. */
  project: string;
  environment: string;
}

export type DestinationConfig = VercelDestination | GitHubDestination | DotenvDestination | KeyturnDestination;

/** A program that uses secrets, and how it is asked whether it does well with the new ones. */
export interface ServiceConfig {
  from?: FromConfig | undefined;
  /** Names or patterns with `*`. */
  uses: string[];
  verify:
    | { url: string; probe?: string | undefined; timeoutMs?: number | undefined }
    | { command: string[]; timeoutMs?: number | undefined };
}

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** A time in which secrets may turn by themselves. */
export interface WindowConfig {
  /** Every day where not given. */
  days?: Weekday[] | undefined;
  /** `02:00`. */
  from: string;
  /** `05:00`; before `from`, it is the next day's. */
  to: string;
}

/** When something turns. What is left out is as the level above says. */
export interface ScheduleRule {
  /** Days after the last time, 1 to 3650. */
  days?: number | undefined;
  /** Five fields; instead of days. */
  cron?: string | undefined;
  /** `Europe/Berlin`; UTC where not given. */
  timeZone?: string | undefined;
  windows?: WindowConfig[] | undefined;
  /** Spreads turns over so many minutes. */
  jitterMinutes?: number | undefined;
  /** False: it is only said to be due. */
  automatic?: boolean | undefined;
}

export interface ScheduleConfig extends Omit<ScheduleRule, 'days' | 'cron'> {
  types?: Record<string, ScheduleRule> | undefined;
  secrets?: Record<string, ScheduleRule> | undefined;
}

export type AlertSeverity = 'critical' | 'high' | 'medium' | 'low' | 'info';

interface AnyChannel {
  /** From which severity on; `medium` where not given. */
  from?: AlertSeverity | undefined;
}

export type ChannelConfig = AnyChannel &
  (
    | { kind: 'slack' /** The name of the secret with the webhook's address. */; url: string }
    | { kind: 'webhook'; url: string /** The name of the secret that signs. */; secret: string }
    | {
        kind: 'smtp';
        host: string;
        port: number;
        secure?: boolean | undefined;
        user?: string | undefined;
        /** The name of the secret with the password. */
        password?: string | undefined;
        sender: string;
        to: string[];
      }
    | {
        kind: 'resend' /** The name of the secret with the key. */;
        key: string;
        sender: string;
        to: string[];
        baseUrl?: string | undefined;
      }
    | {
        kind: 'pagerduty' /** The name of the secret with the routing key. */;
        key: string;
        baseUrl?: string | undefined;
      }
    | { kind: 'stdout' }
  );

export interface AlertsConfig {
  /** Where the channels' own secrets are. */
  secretsIn?: FromConfig | undefined;
  channels?: Record<string, ChannelConfig> | undefined;
  /** Hours after which an open alert is told again; 24 where not given, 0 for never. */
  againHours?: number | undefined;
  /** Days after which the newest backup is too old; 7 where not given. */
  backupDays?: number | undefined;
  /** Days after which the root key should turn; 365 where not given. */
  rootKeyDays?: number | undefined;
  /** Days without a read after which a secret counts as unused; 90 where not given. */
  unusedDays?: number | undefined;
  /** Where links in messages lead: the server's address. */
  link?: string | undefined;
}

/** Which reports are made by themselves, when their day, week or month is over, and who gets them. */
export interface ReportsConfig {
  /** Each is made where it is not false. */
  daily?: boolean | undefined;
  weekly?: boolean | undefined;
  monthly?: boolean | undefined;
  /** The alert channels that get them; Slack, webhooks and email where not given. */
  to?: string[] | undefined;
}

export interface OperationsConfig {
  /** False: no provider is asked anything. `KEYTURN_LIVE=off` does the same. */
  live?: boolean | undefined;
  providers?: Record<string, ProviderConfig> | undefined;
  destinations?: Record<string, DestinationConfig> | undefined;
  services?: Record<string, ServiceConfig> | undefined;
  schedule?: ScheduleConfig | undefined;
  alerts?: AlertsConfig | undefined;
  reports?: ReportsConfig | undefined;
}
