// The style of the few pages that the server has of its own. Kept as text, so that a bundle is whole.

export const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --soft: color-mix(in srgb, currentColor 6%, transparent); --accent: #2f6f4f; }
@media (prefers-color-scheme: dark) { :root { --accent: #7cc8a0; } }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
code, .path { font-family: ui-monospace, monospace; font-size: .92em; overflow-wrap: anywhere; }
a { color: var(--accent); } nav a { margin-right: 1rem; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .4rem 0; } summary { padding: .5rem .8rem; cursor: pointer; }
details > div { padding: .2rem .8rem .8rem; } table { border-collapse: collapse; width: 100%; margin: .4rem 0; } td, th { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); }
.method { display: inline-block; min-width: 4.2rem; font-weight: 600; font-family: ui-monospace, monospace; } .small { opacity: .75; font-size: .9em; }
form { max-width: 26rem; display: grid; gap: .8rem; margin-top: 1.2rem; } label { display: grid; gap: .25rem; }
input { font: inherit; padding: .5rem .6rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--soft); color: inherit; }
button { font: inherit; padding: .55rem 1rem; border: 0; border-radius: .4rem; background: var(--accent); color: Canvas; cursor: pointer; justify-self: start; }
[hidden] { display: none; } .note { padding: .6rem .8rem; background: var(--soft); border-radius: .4rem; margin-top: 1rem; }
`;
