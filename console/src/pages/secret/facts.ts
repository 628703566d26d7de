// What a secret's page knows of it.
import type { Schema } from '../../api/client.ts';

export type Facts = Schema['Secret'] & { readonly dueAt: number | null; readonly age: string };
