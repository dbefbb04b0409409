/** scan/report: findings as text for a person, as JSON, and as SARIF 2.1.0 for the platforms that show it. */
import { createHash } from 'node:crypto'
import { printable } from '../table.ts'
import { wrapped } from '../wrap.ts'
import type { Finding, Rule, Severity } from './finding.ts'
import { rules } from './scan.ts'

/** By file, then by line; each rule's reason once. At most 80 columns, except for words that are longer. */
export function textReport(findings: readonly Finding[], files: number): string {
  const byFile = [...Map.groupBy(findings, ({ path }) => path)].flatMap(([path, found]) => [
    '',
    printable(path),
    ...found.flatMap(findingLines),
  ])
  const used = rules.filter((rule) => findings.some((each) => each.rule === rule))
  const reasons = used.flatMap(({ id, title, why }) => wrapped(`  ${id} ${title}. ${why}`))
  const counts = (['high', 'medium', 'low'] as const).map(
    (severity) => `${findings.filter(({ rule }) => rule.severity === severity).length} ${severity}`,
  )
  const read = `${files} file${files === 1 ? '' : 's'}`
  if (findings.length === 0) return `nothing found in ${read}\n`
  const head = `${findings.length} finding${findings.length === 1 ? '' : 's'} in ${read}: ${counts.join(', ')}`
  return `${[head, ...byFile, '', 'Why', ...reasons].join('\n')}\n`
}

function findingLines({ rule, line, column, message, instead }: Finding): readonly string[] {
  return [
    ...wrapped(printable(`  ${line}:${column} ${rule.severity} ${rule.id} ${message}`)),
    ...wrapped(printable(`    instead: ${instead}`)),
  ]
}

/** What `--json` says of each finding. */
export function jsonReport(findings: readonly Finding[], files: number) {
  return {
    files,
    findings: findings.map(({ rule, path, line, column, message, instead }) => ({
      rule: rule.id,
      name: rule.name,
      severity: rule.severity,
      path,
      line,
      column,
      message,
      why: rule.why,
      instead,
    })),
  }
}

const levels: Readonly<Record<Severity, string>> = { high: 'error', medium: 'warning', low: 'note' }

/** One run with every rule. A finding keeps its fingerprint when lines above it come and go. */
export function sarifReport(findings: readonly Finding[]) {
  const seen = new Map<string, number>()
  const results = findings.map((found) => {
    const same = `${found.rule.id}\n${found.path}\n${found.message}`
    const number = seen.get(same) ?? 0
    seen.set(same, number + 1)
    return sarifResult(found, createHash('sha256').update(`${same}\n${number}`).digest('hex'))
  })
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'mayfly scan', rules: rules.map(sarifRule) } },
        columnKind: 'utf16CodeUnits',
        results,
      },
    ],
  }
}

function sarifRule({ id, name, title, why, instead, severity }: Rule) {
  return {
    id,
    name,
    shortDescription: { text: title },
    fullDescription: { text: why },
    help: { text: instead },
    defaultConfiguration: { level: levels[severity] },
  }
}

function sarifResult({ rule, path, line, column, message, instead }: Finding, fingerprint: string) {
  return {
    ruleId: rule.id,
    ruleIndex: rules.indexOf(rule),
    level: levels[rule.severity],
    message: { text: `${message}. Instead: ${instead}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: path.split('/').map(encodeURIComponent).join('/') },
          region: { startLine: line, startColumn: column },
        },
      },
    ],
    partialFingerprints: { 'mayflyScan/v1': fingerprint },
  }
}
