import { basename, relative } from 'node:path'
import { type Loaded, loadPolicy } from '@mayfly/policy/load'
import { formatProblem, type Problem, type SourceFile } from '@mayfly/policy/problem'
import { unreadable } from './unreadable.ts'

export interface ReadSources {
  readonly files: readonly SourceFile[]
  readonly lock?: SourceFile
}

/** A folder that was read. With faults, `problems` say what only whoever read the folder knows. */
export interface ReadPolicies {
  readonly sources: readonly SourceFile[]
  readonly loaded: Loaded
}

/** Reads a folder of policy files as the server does. */
export async function readPolicySources(folder: string): Promise<ReadSources> {
  const { readPolicyFolder } = await import('@mayfly/broker/decide/folder')
  return await readPolicyFolder(folder).catch((cause: unknown) => {
    throw unreadable('folder', folder, cause)
  })
}

/** Loads a folder of policy files as the server does. */
export async function readPolicies(folder: string): Promise<ReadPolicies> {
  return loadSources(await readPolicySources(folder), folder)
}

export function loadSources({ files, lock }: ReadSources, folder: string): ReadPolicies {
  const sources = lock === undefined ? files : [...files, lock]
  const loaded = loadPolicy(files, lock)
  if (loaded.ok) return { sources, loaded }
  const problems = loaded.problems.map((problem) => mended(problem, folder, lock === undefined))
  return { sources, loaded: { ...loaded, problems } }
}

/** Faults or warnings as text, each with its place and its line. */
export function formatPolicies({ sources, loaded }: ReadPolicies): readonly string[] {
  const texts = new Map(sources.map(({ path, text }) => [path, text]))
  const problems = loaded.ok ? loaded.warnings : loaded.problems
  return problems.map((problem) => formatProblem(problem, texts.get(problem.path)))
}

/** A fault of the folder names it, and a name without id says when there is no lock at all. */
function mended(problem: Problem, folder: string, lockless: boolean): Problem {
  const shown = shortest(folder)
  if (problem.path === '') {
    const hint = `write a file \`${shown}/${basename(folder)}.policy.yaml\`; an empty policy is refused, not read as "deny all"`
    return { ...problem, path: `${shown}/`, hint }
  }
  if (!lockless || problem.code !== 'P013') return problem
  const command = `mayfly policy lock ${shown}`
  return {
    ...problem,
    hint: `there is no policy.lock.yaml; \`${command}\` asks GitHub for the ids and writes it`,
  }
}

function shortest(folder: string): string {
  const short = relative(process.cwd(), folder)
  return (short === '' || short.startsWith('..') ? folder : short).replace(/(?<=.)\/+$/, '')
}
