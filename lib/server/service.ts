// What every route is handed: the vault, who is who, and how the server was started.
import type { KeyObject } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Directory } from '../identity/directory.ts';
import type { AlertRun } from '../monitoring/alert-run.ts';
import type { ReportRun } from '../reporting/deliver.ts';
import type { World } from '../rotation/world.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Intake } from '../vault/intake.ts';
import type { Permission } from '../vault/policy.ts';
import type { ServedVault } from '../vault/served-vault.ts';
import type { Caller, Callers } from './caller.ts';
import type { EventStreams } from './events.ts';
import type { Exchange } from './exchange.ts';
import type { Forwarder } from './forwarder.ts';
import type { SignIn } from './sign-in.ts';

export interface Service {
  readonly vault: ServedVault;
  readonly directory: Directory;
  readonly callers: Callers;
  readonly signIn: SignIn;
  readonly exchange: Exchange;
  /** The browsers that listen. */
  readonly events: EventStreams;
  /** Opens what browsers seal. */
  readonly intake: Intake;
  readonly forwarder: Forwarder;
  /** Providers, destinations and services. */
  readonly world: World;
  readonly alerts: AlertRun;
  readonly reports: ReportRun;
  /** The HMAC key that tokens are kept under. */
  readonly tokenKey: KeyObject;
  /** As browsers see this server. */
  readonly publicUrl: string;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route asks for, for the reference pages and the test of the policy; 'any' for any caller. */
    permission?: Permission | 'any';
    /** True for a route that asks for no caller. */
    open?: boolean;
    /** True for one that changes nothing though it is no GET: a read-only server answers it. */
    reads?: boolean;
  }
  interface FastifyRequest {
    caller: Caller | undefined;
  }
}

export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** The caller's view of the vault. The hook before has made sure that there is a caller. */
export function contextOf(service: Service, request: FastifyRequest): VaultContext {
  if (!request.caller) throw new TypeError('the route is open');
  return service.callers.context(request, request.caller);
}
