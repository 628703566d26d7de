// The sign-in page.
import { useNavigate } from '@tanstack/react-router';
import { Plain } from '../parts/Plain.tsx';
import { SignInForm } from '../parts/SignInForm.tsx';
import { signInRoute } from '../router.tsx';
import { signedIn } from '../shell/session.ts';
import { words } from '../words.ts';

/** Only to a page of this server: an address from elsewhere is no place to be sent to. */
function within(to: string | undefined): string {
  if (to === undefined) return '/admin';
  const url = new URL(to, window.location.origin);
  return url.origin === window.location.origin ? url.pathname + url.search : '/admin';
}

export function SignIn() {
  const { to } = signInRoute.useSearch();
  const navigate = useNavigate();
  const done = async () => {
    await signedIn();
    await navigate({ href: within(to) });
  };
  return (
    <Plain title={words.signIn.title} about={words.signIn.about}>
      <SignInForm onDone={() => void done()} />
    </Plain>
  );
}
