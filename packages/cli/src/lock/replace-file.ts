/** replace-file: a file is the old one or the new one, also after a crash; a server may read it at any moment. */
import { randomUUID } from 'node:crypto'
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Throws what the disk says; the old file is then still there. */
export async function replaceFile(named: string, text: string): Promise<void> {
  // A link keeps leading to the file that it leads to.
  const path = await realpath(named).catch(() => named)
  const before = await stat(path).catch(() => undefined)
  const draft = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(draft, 'wx', 0o644)
    try {
      if (before !== undefined) await file.chmod(before.mode & 0o777)
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (thrown) {
    await rm(draft, { force: true })
    throw thrown
  }
  await syncFolder(dirname(path))
}

/** The new name is on the disk too. Some systems have no such thing for folders. */
async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder, 'r').catch(() => undefined)
  await opened?.sync().catch(() => undefined)
  await opened?.close()
}
