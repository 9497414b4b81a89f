/** Shell completion of board ids, which yargs knows nothing of. */

/** The word with which a completion script calls the program; words of the line follow, the last one being typed. */
const completionWord = '--get-yargs-completions';

/** The ids that may stand where a line is being typed; undefined where no board is wanted. */
export async function boardCompletions(argv: readonly string[]): Promise<readonly string[] | undefined> {
  if (argv[0] !== completionWord) return undefined;
  const [, , verb, action] = argv;
  const before = argv.at(-2) ?? '';
  const typed = argv.at(-1) ?? '';
  const isSubject = verb === 'boards' && argv.length > 4 && (action === 'show' || action === 'lint');
  if (!['-b', '--board'].includes(before) && !isSubject) return undefined;
  // Loaded here: reading profiles takes longer than all of --help.
  const { boardIds } = await import('./board-profiles.js');
  return boardIds().filter((id) => id.startsWith(typed));
}
