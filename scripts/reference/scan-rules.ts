import { rules } from '../../packages/cli/src/scan/scan.ts'
import { page, table } from './page.ts'

/** The rules of `mayfly scan`, from their own data. */
export function scanRulesPage(): string {
  return page('Rules of `mayfly scan`', [
    'What each rule finds, why it matters, and what can stand in its place. `high`, `medium` and `low` are `error`,',
    '`warning` and `note` in SARIF. An id is never used for another rule.',
    '',
    ...table(
      ['id', 'name', 'severity', 'finds', 'why', 'instead'],
      rules.map(({ id, name, severity, title, why, instead }) => [
        id,
        `\`${name}\``,
        severity,
        title,
        why,
        instead,
      ]),
    ),
  ])
}
