// The console's start: providers around the router. The server serves it; it talks to nobody else.
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '@mantine/spotlight/styles.css';
import './console.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { catalog, projects, queryClient, whoami } from './api/queries.ts';
import { router } from './router.tsx';
import { theme, variables } from './theme.ts';

const root = document.getElementById('root');
if (!root) throw new Error('the page has no root');
const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';

// What locks the page's scrolling while a dialog is open writes a style element too, and takes its nonce from here.
Object.assign(window, { __webpack_nonce__: nonce });

// What every page asks for is asked for at once, not one after the other as pages come to need it.
if (window.location.pathname.startsWith('/admin')) {
  void queryClient.prefetchQuery(whoami);
  void queryClient.prefetchQuery(projects);
  void queryClient.prefetchQuery(catalog);
}

createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <Notifications position="bottom-right" />
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
