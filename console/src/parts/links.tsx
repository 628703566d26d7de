// Links that look like buttons and cards, with the addresses of the console checked.
import { Anchor, Button, type ButtonProps, Card, type CardProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, Ref } from 'react';

type Target = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof ButtonProps> & {
  readonly ref?: Ref<HTMLAnchorElement>;
};

export const LinkButton = createLink((props: ButtonProps & Target) => <Button component="a" {...props} />);

type CardTarget = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof CardProps> & {
  readonly ref?: Ref<HTMLAnchorElement>;
};

export const LinkCard = createLink((props: CardProps & CardTarget) => <Card component="a" td="none" {...props} />);

export const LinkAnchor = createLink(Anchor<'a'>);
