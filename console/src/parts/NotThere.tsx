// An address that leads nowhere.
import { Container } from '@mantine/core';
import { IconMapQuestion } from '@tabler/icons-react';
import { words } from '../words.ts';
import { LinkButton } from './links.tsx';
import { Empty } from './Parts.tsx';

export function NotThere() {
  return (
    <Container py="xl">
      <Empty
        icon={IconMapQuestion}
        title={words.notThere.title}
        action={<LinkButton to="/admin">{words.notThere.home}</LinkButton>}
      >
        {words.notThere.about}
      </Empty>
    </Container>
  );
}
