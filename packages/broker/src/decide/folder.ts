import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { PolicySources } from './policies.ts'

const lockName = 'policy.lock.yaml'

/** Reads `*.policy.yaml` and `policy.lock.yaml` of a folder, in the order of their names. Throws what the disk says. */
export async function readPolicyFolder(folder: string): Promise<PolicySources> {
  const names = (await readdir(folder)).sort()
  const read = async (name: string) => ({
    path: join(basename(folder), name),
    text: await readFile(join(folder, name), 'utf8'),
  })
  const files = await Promise.all(names.filter((name) => name.endsWith('.policy.yaml')).map(read))
  return names.includes(lockName) ? { files, lock: await read(lockName) } : { files }
}
