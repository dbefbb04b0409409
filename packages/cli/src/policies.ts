import { type Loaded, loadPolicy } from '@mayfly/policy/load'
import type { SourceFile } from '@mayfly/policy/problem'
import { UsageFault } from './command.ts'

export interface ReadSources {
  readonly files: readonly SourceFile[]
  readonly lock?: SourceFile
}

/** Reads a folder of policy files as the server does. */
export async function readPolicySources(folder: string): Promise<ReadSources> {
  const { readPolicyFolder } = await import('@mayfly/broker/decide/folder')
  return await readPolicyFolder(folder).catch((cause: unknown) => {
    throw new UsageFault(`the folder \`${folder}\` cannot be read`, { cause })
  })
}

/** Loads a folder of policy files as the server does. */
export async function readPolicies(
  folder: string,
): Promise<{ readonly sources: readonly SourceFile[]; readonly loaded: Loaded }> {
  const { files, lock } = await readPolicySources(folder)
  return { sources: lock === undefined ? files : [...files, lock], loaded: loadPolicy(files, lock) }
}
