import { dirname, resolve } from 'node:path'
import { checkAcross } from './checks.ts'
import { type Config, configSchema } from './config.ts'
import { readDocument } from './document.ts'
import { problemsOf } from './issues.ts'
import { inOrder, type Problem } from './problem.ts'
import { resolveReferences } from './references.ts'
import { shapeFault } from './shapes.ts'
import { checkTls } from './tls.ts'

export interface ConfigSources {
  /** Of the configuration file, as it will be shown in problems. */
  readonly path: string
  /** Text of the configuration file; throws when it cannot be read. */
  readonly readText: (path: string) => Promise<string>
  /** Text of a file that a reference names; throws when it cannot be read. */
  readonly readFile: (path: string) => Promise<string>
  readonly env: Readonly<Record<string, string | undefined>>
}

export type Loaded =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** Reads, checks and resolves `mayfly.yaml`. Every fault comes at once, in the order of the file; never throws. */
export async function loadConfig(sources: ConfigSources): Promise<Loaded> {
  const file = sources.path
  let text: string
  try {
    text = await sources.readText(file)
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? ` (${String(thrown.code)})` : ''
    return refused([{ file, message: `the file cannot be read${code}` }])
  }
  const document = readDocument(file, text)
  if (document.content === undefined) return refused(document.problems)
  const parsed = configSchema.safeParse(document.content)
  if (!parsed.success) {
    return refused([...document.problems, ...problemsOf(parsed.error.issues, document)])
  }
  const folder = dirname(resolve(file))
  const { value, faults } = await resolveReferences(parsed.data, { ...sources, folder, shapeFault })
  const found = [...faults, ...checkAcross(parsed.data), ...checkTls(value.routes)]
  const problems = [
    ...document.problems,
    ...found.map((fault) => document.at(fault.path, fault.message, fault.visible === true)),
  ]
  return problems.length > 0 ? refused(problems) : { ok: true, config: withPaths(value, folder) }
}

function refused(problems: readonly Problem[]): Loaded {
  return { ok: false, problems: inOrder(problems) }
}

/** A path in the file means the same wherever the broker was started. */
function withPaths(config: Config, folder: string): Config {
  const { store } = config
  return {
    ...config,
    policies: resolve(folder, config.policies),
    store: store.kind === 'sqlite' ? { ...store, path: resolve(folder, store.path) } : store,
  }
}
