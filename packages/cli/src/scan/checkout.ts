/** scan/checkout: the workflows and actions of a checkout on this machine; links are not followed. */
import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UsageFault } from '../command.ts'
import { unreadable } from '../unreadable.ts'

/** One file to look at; `text` has only the beginning of one that is too large to be a workflow. */
export interface CheckoutFile {
  /** From the checkout's folder, with `/`. */
  readonly path: string
  readonly text: string
}

/** One more than is read: the reader then says that the file is too large. */
const mostBytes = 1_048_577
const mostFolders = 20_000
const mostLevels = 12
const skipped = new Set(['.git', 'node_modules', 'vendor', 'dist', 'target', '.venv'])

/** `.github/workflows/*.yml` and every `action.yml`. Throws `UsageFault` when the folder cannot be read. */
export async function readCheckout(folder: string): Promise<readonly CheckoutFile[]> {
  const found: string[] = []
  const left = [{ path: '', level: 0 }]
  let folders = 0
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    if (++folders > mostFolders) throw new UsageFault(`\`${folder}\` has more than ${mostFolders} folders`)
    for (const entry of await list(join(folder, next.path))) {
      const path = next.path === '' ? entry.name : `${next.path}/${entry.name}`
      if (entry.isFile() && isWanted(path)) found.push(path)
      if (entry.isDirectory() && !skipped.has(entry.name) && next.level < mostLevels)
        left.push({ path, level: next.level + 1 })
    }
  }
  const files: CheckoutFile[] = []
  for (const path of found.sort()) files.push({ path, text: await beginning(join(folder, path)) })
  return files
}

/** The checkouts of an organisation that lie beside each other in a folder, by name. */
export async function checkoutsIn(folder: string): Promise<readonly string[]> {
  const entries = await list(folder)
  return entries
    .filter((entry) => entry.isDirectory() && entry.name !== '.git')
    .map(({ name }) => name)
    .sort()
}

function isWanted(path: string): boolean {
  return /^\.github\/workflows\/[^/]+\.ya?ml$/.test(path) || /(?:^|\/)action\.ya?ml$/.test(path)
}

/** What is not read is not checked: a folder that cannot be read ends the scan. */
async function list(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (cause) {
    throw unreadable('folder', folder, cause)
  }
}

async function beginning(path: string): Promise<string> {
  const file = await open(path).catch((cause: unknown) => {
    throw unreadable('file', path, cause)
  })
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(mostBytes), 0, mostBytes, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

/** `OWNER/NAME` at GitHub, of the clone's own configuration; git is not asked. */
export async function originOf(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, '.git/config'), 'utf8').catch(() => '')
  const section = /^\[remote "origin"\]\n((?:[ \t].*\n?)*)/m.exec(text)?.[1] ?? ''
  return /^\s*url\s*=\s*\S*github\.com[:/]([A-Za-z0-9-]+\/[A-Za-z0-9._-]+?)(?:\.git)?\s*$/m.exec(section)?.[1]
}
