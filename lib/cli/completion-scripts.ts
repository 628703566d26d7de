// Completion scripts as text. Names of secrets are asked of `keyturn list --names` when they are wanted.

export interface CommandTree {
  readonly name: string;
  readonly description: string;
  readonly options: readonly string[];
  /** True where it takes names of secrets. */
  readonly names: boolean;
  readonly commands: readonly CommandTree[];
}

function words(tree: CommandTree): string {
  return [...tree.commands.map((one) => one.name), ...tree.options].join(' ');
}

export function bashCompletion(tree: CommandTree): string {
  const cases = tree.commands.flatMap((one) => [
    `    ${one.name})\n      words="${words(one)}"${one.names ? '\n      names=1' : ''} ;;`,
    ...one.commands.map(
      (child) =>
        `    "${one.name} ${child.name}")\n      words="${words(child)}"${child.names ? '\n      names=1' : ''} ;;`,
    ),
  ]);
  const groups = tree.commands.filter((one) => one.commands.length > 0).map((one) => one.name);
  return `# bash completion for keyturn
_keyturn() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command="\${COMP_WORDS[1]}" words="" names=0
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${words(tree)}" -- "$current"))
    return
  fi
  case "$command" in
    ${groups.join('|') || '""'}) [ "$COMP_CWORD" -gt 2 ] && command="$command \${COMP_WORDS[2]}" ;;
  esac
  case "$command" in
${cases.join('\n')}
  esac
  if [ "$names" -eq 1 ] && [[ "$current" != -* ]]; then
    words="$words $(keyturn list --names 2>/dev/null)"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _keyturn keyturn
`;
}

function zshText(text: string): string {
  return text.replaceAll("'", "'\\''").replaceAll(':', '\\:');
}

export function zshCompletion(tree: CommandTree): string {
  const list = tree.commands.map((one) => `    '${one.name}:${zshText(one.description)}'`).join('\n');
  const cases = tree.commands
    .map((one) => `    ${one.name}) candidates=(${words(one)})${one.names ? '; names=1' : ''} ;;`)
    .join('\n');
  return `#compdef keyturn
_keyturn() {
  local -a commands candidates
  local names=0
  commands=(
${list}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  case "$words[2]" in
${cases}
  esac
  if (( names )) && [[ "$PREFIX" != -* ]]; then
    candidates+=(\${(f)"$(keyturn list --names 2>/dev/null)"})
  fi
  compadd -a candidates
}
compdef _keyturn keyturn
`;
}

export function fishCompletion(tree: CommandTree): string {
  const quote = (text: string) => `'${text.replaceAll("'", "\\'")}'`;
  const lines = ['# fish completion for keyturn', 'complete -c keyturn -f'];
  for (const one of tree.commands) {
    lines.push(`complete -c keyturn -n __fish_use_subcommand -a ${one.name} -d ${quote(one.description)}`);
    const seen = `'__fish_seen_subcommand_from ${one.name}'`;
    for (const child of one.commands)
      lines.push(`complete -c keyturn -n ${seen} -a ${child.name} -d ${quote(child.description)}`);
    for (const flag of one.options.filter((option) => option.startsWith('--'))) {
      lines.push(`complete -c keyturn -n ${seen} -l ${flag.slice(2)}`);
    }
    if (one.names) lines.push(`complete -c keyturn -n ${seen} -a '(keyturn list --names 2>/dev/null)'`);
  }
  return `${lines.join('\n')}\n`;
}
