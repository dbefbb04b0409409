import { type Loaded, loadPolicy, type SourceFile } from '@mayfly/policy/load'
import { UsageFault } from './command.ts'

/** Loads a folder of policy files as the server does. */
export async function readPolicies(
  folder: string,
): Promise<{ readonly sources: readonly SourceFile[]; readonly loaded: Loaded }> {
  const { readPolicyFolder } = await import('@mayfly/broker/decide/folder')
  const { files, lock } = await readPolicyFolder(folder).catch((cause: unknown) => {
    throw new UsageFault(`the folder \`${folder}\` cannot be read`, { cause })
  })
  return { sources: lock === undefined ? files : [...files, lock], loaded: loadPolicy(files, lock) }
}
