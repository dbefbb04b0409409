import { after } from 'node:test'
import { type RunningPostgres, startPostgres } from './postgres.ts'

let server: Promise<RunningPostgres> | undefined

/** A fresh database on this test file's own PostgreSQL, which ends with the file. Answers its connection string. */
export async function database(): Promise<string> {
  if (server === undefined) server = startPostgres()
  return (await server).createDatabase()
}

after(async () => (await server?.catch(() => undefined))?.stop())
