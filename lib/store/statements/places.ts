// Statements on projects and environments.
import { statement } from '../statement.ts';

export const insertProject = statement('insertProject', (db, p: { name: string; nameKey: string; now: number }) =>
  db.insertInto('projects').values({ name: p.name, name_key: p.nameKey, created_at: p.now }).returning('id'),
);

export const insertEnvironment = statement(
  'insertEnvironment',
  (db, p: { projectId: number; name: string; nameKey: string; now: number }) =>
    db
      .insertInto('environments')
      .values({ project_id: p.projectId, name: p.name, name_key: p.nameKey, created_at: p.now })
      .returning('id'),
);

export const selectProjects = statement('selectProjects', (db, _: Record<string, never>) =>
  db.selectFrom('projects').selectAll().orderBy('id'),
);

/** Every environment with its project's name. There are few, so one query fills a process's map. */
export const selectEnvironments = statement('selectEnvironments', (db, _: Record<string, never>) =>
  db
    .selectFrom('environments as e')
    .innerJoin('projects as p', 'p.id', 'e.project_id')
    .select([
      'e.id',
      'e.project_id',
      'e.two_people',
      'e.name',
      'e.name_key',
      'p.name as project',
      'p.name_key as project_key',
      'e.created_at',
    ])
    .orderBy('e.id'),
);
