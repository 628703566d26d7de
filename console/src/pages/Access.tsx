// Who may do what: people, invitations, roles, machine tokens, and what waits for a second person.
import { Tabs } from '@mantine/core';
import { PageHead } from '../parts/Parts.tsx';
import { words } from '../words.ts';
import { Approvals } from './access/Approvals.tsx';
import { People } from './access/People.tsx';
import { Roles } from './access/Roles.tsx';
import { Tokens } from './access/Tokens.tsx';

export function Access() {
  return (
    <>
      <PageHead title={words.access.title} about={words.access.about} />
      <Tabs defaultValue="people" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="people">{words.access.people}</Tabs.Tab>
          <Tabs.Tab value="tokens">{words.access.tokens}</Tabs.Tab>
          <Tabs.Tab value="approvals">{words.access.approvals}</Tabs.Tab>
          <Tabs.Tab value="roles">{words.access.roles}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="people">
          <People />
        </Tabs.Panel>
        <Tabs.Panel value="tokens">
          <Tokens />
        </Tabs.Panel>
        <Tabs.Panel value="approvals">
          <Approvals />
        </Tabs.Panel>
        <Tabs.Panel value="roles">
          <Roles />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
