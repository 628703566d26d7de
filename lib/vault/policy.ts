// The whole policy, as one table: which role may do what. Everything that decides about access reads it here.

/** What there is to be allowed. Each operation of the engine and each route of the server asks for one of them. */
export const PERMISSIONS = [
  'list',
  'read',
  'write',
  'delete',
  'rotate',
  'validate',
  'monitor',
  'places',
  'backup',
  'restore',
  'keys',
  'audit',
  'tokens',
  'people',
  'owners',
  'approve',
  'settings',
] as const;

export type Permission = (typeof PERMISSIONS)[number];

/** What each permission is for, in words: for reference pages and errors. */
export const PERMISSION_WORDS: Readonly<Record<Permission, string>> = {
  list: 'see names and facts of secrets, their history and their rotations; never a value',
  read: 'read values',
  write: 'set, describe and bring back secrets',
  delete: 'delete secrets',
  rotate: 'rotate secrets and roll them back',
  validate: 'judge values (they are opened in memory, and only findings are given)',
  monitor: 'see ages, use and alerts',
  places: 'make projects and environments',
  backup: 'make, list and check backups',
  restore: 'bring values back from backups',
  keys: "see and turn the vault's own keys",
  audit: 'read, verify and export the audit log',
  tokens: 'make, rotate and revoke machine tokens, and trust identity providers of programs',
  people: 'invite people, and give and take roles (but that of an owner)',
  owners: 'give and take the role of an owner',
  approve: 'approve what another person asked for',
  settings: 'require approvals, and forward the audit log',
};

export const ROLES = ['owner', 'admin', 'rotator', 'reader', 'auditor'] as const;

export type Role = (typeof ROLES)[number];

/** The table. A custom role is a list of permissions of its own, kept in the store. */
export const ROLE_PERMISSIONS: Readonly<Record<Role, readonly Permission[]>> = {
  owner: PERMISSIONS,
  admin: [
    'list',
    'read',
    'write',
    'delete',
    'rotate',
    'validate',
    'monitor',
    'places',
    'backup',
    'audit',
    'tokens',
    'people',
    'approve',
  ],
  rotator: ['list', 'rotate', 'validate', 'monitor'],
  reader: ['list', 'read'],
  auditor: ['list', 'validate', 'monitor', 'audit'],
};

/** What machine tokens may be given: a program never administers people or the vault's own keys. */
export const TOKEN_PERMISSIONS: readonly Permission[] = [
  'list',
  'read',
  'write',
  'delete',
  'rotate',
  'validate',
  'monitor',
  'backup',
  'audit',
];

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

export function isPermission(text: string): text is Permission {
  return (PERMISSIONS as readonly string[]).includes(text);
}
