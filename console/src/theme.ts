// How the console looks: one accent, quiet surfaces, colours that keep their contrast in light and dark.
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';
import { words } from './words.ts';

const pine: MantineColorsTuple = [
  '#eaf7f1',
  '#d3ece0',
  '#a6d9c1',
  '#75c5a0',
  '#4fb485',
  '#36a974',
  '#1f7f58',
  '#1a6d4b',
  '#125a3d',
  '#08472e',
];

/** From text to the deepest ground, a little towards the accent. */
const dark: MantineColorsTuple = [
  '#d9dfe1',
  '#bcc5c9',
  '#8e999f',
  '#6d797f',
  '#414b50',
  '#343d41',
  '#1e2427',
  '#191e21',
  '#14181a',
  '#0f1213',
];

/** Lists of choices scroll as the browser scrolls: a scroll area of its own would be one more thing that keys have to reach. */
const LIST = { withScrollArea: false, styles: { options: { maxHeight: 240, overflowY: 'auto' } } } as const;

export const theme = createTheme({
  colors: { pine, dark },
  primaryColor: 'pine',
  primaryShade: { light: 7, dark: 6 },
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  headings: { fontWeight: '650', sizes: { h1: { fontSize: '1.55rem' }, h2: { fontSize: '1.15rem' } } },
  components: {
    Badge: { defaultProps: { variant: 'light', radius: 'sm', tt: 'none', fw: 600, style: { flexShrink: 0 } } },
    Card: { defaultProps: { withBorder: true, padding: 'lg' } },
    TableScrollContainer: { defaultProps: { scrollAreaProps: { viewportProps: { tabIndex: 0 } } } },
    Modal: { defaultProps: { centered: true, closeButtonProps: { 'aria-label': words.close } } },
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': words.close } } },
    PasswordInput: { defaultProps: { visibilityToggleButtonProps: { 'aria-label': words.values.show, tabIndex: 0 } } },
    Autocomplete: { defaultProps: LIST },
    Select: { defaultProps: { ...LIST, clearButtonProps: { 'aria-label': words.clear } } },
    MultiSelect: { defaultProps: { ...LIST, clearButtonProps: { 'aria-label': words.clear } } },
    Tooltip: { defaultProps: { events: { hover: true, focus: true, touch: true } } },
    Anchor: { defaultProps: { underline: 'always' } },
  },
});

/** Mantine's own are too pale for small text (WCAG 2.2, 1.4.3). */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#566069',
    '--mantine-color-placeholder': '#6a737c',
    '--mantine-color-error': '#c22525',
    '--mantine-color-red-text': '#c22525',
    '--mantine-color-red-filled': '#c92a2a',
    '--mantine-color-red-filled-hover': '#b02525',
    '--mantine-color-green-text': '#1d6b34',
    '--mantine-color-body': '#fbfcfb',
    '--mantine-color-anchor': '#1a6d4b',
    '--mantine-color-red-light-color': '#b01e1e',
    '--mantine-color-orange-light-color': '#9a4300',
    '--mantine-color-yellow-light-color': '#7a5200',
    '--mantine-color-green-light-color': '#1d6b34',
    '--mantine-color-pine-light-color': '#125a3d',
    '--mantine-color-blue-light-color': '#155a9e',
    '--mantine-color-gray-light-color': '#495057',
    '--mantine-color-grape-light-color': '#7a2490',
  },
  dark: {
    '--mantine-color-dimmed': '#a3adb5',
    '--mantine-color-placeholder': '#8d979f',
    '--mantine-color-body': '#16191b',
    '--mantine-color-error': '#ff8787',
    '--mantine-color-red-text': '#ff8787',
    '--mantine-color-red-filled': '#c92a2a',
    '--mantine-color-red-filled-hover': '#b02525',
    '--mantine-color-anchor': '#75c5a0',
    '--mantine-color-pine-light-color': '#a6d9c1',
    '--mantine-color-gray-light-color': '#ced4da',
    '--mantine-color-red-light-color': '#ffa8a8',
    '--mantine-color-blue-light-color': '#a5d8ff',
  },
});
