import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { basename, dirname, join } from 'node:path';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { AppError, errors, fillText, toAppError } from '#protocol/errors';
import { jobIdSchema } from '#protocol/job';
import { triggerHostSchema } from '#protocol/messages';
import { z } from 'zod';
import { depotPath } from '../jobs/redis/node-messages';
import type { Access } from './access';
import type { BridgeCore } from './core';
import type { FramePictures } from './frame-pictures';
import type { Glimpses } from './glimpses';
import { findAtlas, findReport, findResult, type ResultFile } from './results';
import type { SideDesk } from './side-desk';
import { makeSupportZip } from './support-zip';
import type { TriggerDesk } from './trigger-desk';

export type RouteOptions = {
  readonly core: BridgeCore;
  readonly access: Access;
  readonly side: SideDesk;
  readonly pictures: FramePictures;
  readonly glimpses: Glimpses;
  readonly triggers: TriggerDesk;
  /** The built panel: index.html, main.js, main.css. */
  readonly panel: string;
  /** Swatches of the built-in painters. */
  readonly painters: string;
  readonly log: (line: string) => void;
};

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const frameName = z.string().regex(/^\d{1,8}\.jpg$/);
const widthSchema = z.coerce.number().int().min(16).max(8192).optional();
const triggerSchema = z.object({
  action: z.enum(['stylize-selection', 'place-finished']),
  preset: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,59}$/)
    .optional(),
  host: triggerHostSchema.optional(),
});

/** Everything from the bridge itself and nothing else; `connect-src 'self'` covers its own socket. */
const contentPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success)
    throw new AppError('MESSAGE_INVALID', { problem: result.error.issues[0]?.message ?? 'not valid' });
  return result.data;
}

/** What the bridge serves over HTTP (paths: `protocol/http.ts`). Nothing that a client writes becomes a path. */
export function createRoutes({
  core,
  access,
  side,
  pictures,
  glimpses,
  triggers,
  panel,
  painters,
  log,
}: RouteOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');

  app.use((request, response, next) => {
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Referrer-Policy', 'no-referrer');
    response.setHeader('Content-Security-Policy', contentPolicy);
    access.checkPlace(request);
    const origin = access.corsOrigin(request);
    if (origin !== undefined) {
      response.setHeader('Access-Control-Allow-Origin', origin);
      response.setHeader('Access-Control-Expose-Headers', 'Content-Length, Content-Range, Content-Disposition');
      response.setHeader('Vary', 'Origin');
    }
    // A panel that is loaded from disk shows the bridge's pictures; a web page may not.
    response.setHeader(
      'Cross-Origin-Resource-Policy',
      access.hasExplicitToken(request) ? 'cross-origin' : 'same-origin',
    );
    if (request.method === 'OPTIONS') {
      if (origin !== undefined) {
        response.setHeader('Access-Control-Allow-Headers', 'Authorization, Range');
        response.setHeader('Access-Control-Allow-Methods', 'GET, HEAD, POST');
      }
      response.status(204).end();
      return;
    }
    next();
  });

  app.get('/health', (request, response) => {
    const known = isKnown(access, request);
    response.setHeader('Cache-Control', 'no-store');
    response.json(known ? { ok: true, bridge: core.version, provider: core.machine.provider() } : { ok: true });
  });

  // The page holds no secret: it asks for the token, or has it from the address with which it was opened.
  app.get('/', (request, response) => {
    if (isKnown(access, request)) response.setHeader('Set-Cookie', access.cookie());
    if (!existsSync(join(panel, 'index.html'))) {
      response.status(503).type('text/plain').send('The panel is not built. Run: npm run build\n');
      return;
    }
    response.setHeader('Cache-Control', 'no-cache');
    response.sendFile('index.html', { root: panel, cacheControl: false });
  });
  app.get(/^\/[\w.-]+\.(js|css|map|svg|png|woff2|json|jsx|html)$/, (request, response, next) => {
    response.setHeader('Cache-Control', 'no-cache');
    response.sendFile(
      basename(request.path),
      { root: panel, dotfiles: 'deny', cacheControl: false },
      error => error && next(),
    );
  });

  // Render nodes come with a token of their own, which opens this and nothing else.
  const { depot } = core;
  if (depot) {
    app.use((request, response, next) => {
      if (request.path.startsWith(`${depotPath}/`)) void depot.handle(request, response).catch(next);
      else next();
    });
  }

  app.use((request, _response, next) => {
    access.check(request);
    next();
  });

  app.get('/clips/:clip/frames/:frame', async (request, response) => {
    const clip = parsed(sha256, request.params.clip);
    const frame = Number.parseInt(parsed(frameName, request.params.frame), 10);
    const width = parsed(widthSchema, request.query.width);
    const info = await core.clips.info(clip);
    const bytes = await pictures.get(core.clips.pathOf(clip), info, frame, width);
    response.setHeader('Cache-Control', 'private, max-age=3600, immutable');
    response.type('image/jpeg').send(bytes);
  });
  app.get('/glimpses/:glimpse', async (request, response) => {
    const name = parsed(z.string().regex(/^[0-9a-f]{64}\.jpg$/), request.params.glimpse);
    const bytes = await glimpses.get(name.slice(0, 64));
    response.setHeader('Cache-Control', 'private, max-age=3600, immutable');
    response.type('image/jpeg').send(bytes);
  });
  app.get('/images/:image', async (request, response) => {
    const image = parsed(sha256, request.params.image);
    const { format } = await core.images.info(image);
    // Only formats that a browser shows as pictures are named; nothing is ever taken for a page.
    const type = {
      png: 'image/png',
      jpeg: 'image/jpeg',
      webp: 'image/webp',
      gif: 'image/gif',
      tiff: 'image/tiff',
      heif: 'image/heif',
    }[format];
    response.setHeader('Cache-Control', 'private, max-age=3600, immutable');
    response.type(type ?? 'application/octet-stream');
    await sendFile(response, core.images.pathOf(image));
  });
  app.get('/painters/:name', async (request, response) => {
    const name = parsed(z.string().regex(/^[a-z0-9-]{1,40}\.jpg$/), request.params.name);
    await sendFile(response.type('image/jpeg'), join(painters, name));
  });
  app.get('/pictures/:key/:name', async (request, response) => {
    const path = side.pathOf(request.params.key, request.params.name);
    if (!path) throw new AppError('FILE_NOT_FOUND', { path: 'the picture' });
    response.setHeader('Cache-Control', 'no-store');
    await sendFile(response, path);
  });

  app.get('/jobs/:job/previews/:frame', async (request, response) => {
    const folder = core.engine.folder(parsed(jobIdSchema, request.params.job));
    response.setHeader('Cache-Control', 'no-cache');
    await sendFile(response.type('image/jpeg'), join(folder, 'previews', parsed(frameName, request.params.frame)));
  });
  app.get('/jobs/:job/result', async (request, response) => {
    await attach(response, await findResult(core, parsed(jobIdSchema, request.params.job)));
  });
  app.get('/jobs/:job/report', async (request, response) => {
    const { path } = await findReport(core, parsed(jobIdSchema, request.params.job));
    await sendFile(response.type('application/json'), path);
  });
  app.get('/jobs/:job/atlas.zip', async (request, response) => {
    await attach(response, await findAtlas(side, parsed(jobIdSchema, request.params.job)));
  });
  app.get('/jobs/:job/log', async (request, response) => {
    const folder = core.engine.folder(parsed(jobIdSchema, request.params.job));
    await sendFile(response.type('text/plain; charset=utf-8'), join(folder, 'log.txt'));
  });

  app.get('/support.zip', async (_request, response) => {
    const bytes = await makeSupportZip(core);
    response.attachment('reverie-report.zip');
    response.setHeader('Cache-Control', 'no-store');
    response.type('application/zip').send(Buffer.from(bytes));
  });

  app.post('/trigger/:action', async (request, response) => {
    const { preset: wanted, host: asked } = request.query;
    const { host, ...trigger } = parsed(triggerSchema, { action: request.params.action, preset: wanted, host: asked });
    const presets = (await core.presets.list()).map(each => each.preset.name);
    if (trigger.preset !== undefined && !presets.includes(trigger.preset))
      throw new AppError('PRESET_NOT_FOUND', { name: trigger.preset, known: presets.join(', ') });
    response.json({ panels: 1, host: await triggers.fire(trigger, host) });
  });

  app.use(() => {
    throw new AppError('FILE_NOT_FOUND', { path: 'this address' });
  });

  app.use((thrown: unknown, request: Request, response: Response, _next: NextFunction) => {
    const error = describe(thrown);
    if (error.code === 'INTERNAL')
      log(`${request.method} ${request.path}: ${error.cause instanceof Error ? error.cause.stack : error.message}`);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const row = errors[error.code];
    response.removeHeader('Set-Cookie');
    response.setHeader('Cache-Control', 'no-store');
    response.status(row.http).json({
      code: error.code,
      details: error.details,
      cause: fillText(row.cause, error.details),
      remedy: fillText(row.remedy, error.details),
    });
  });
  return app;
}

/** A damaged address (`%ff`) is the client's mistake, not the bridge's. */
function describe(thrown: unknown): AppError {
  const { status } = thrown as { status?: number };
  if (!(thrown instanceof AppError) && status !== undefined && status >= 400 && status < 500)
    return new AppError('MESSAGE_INVALID', { problem: (thrown as Error).message });
  return toAppError(thrown);
}

function isKnown(access: Access, request: IncomingMessage): boolean {
  try {
    access.check(request);
    return true;
  } catch {
    return false;
  }
}

/** With ranges, so that a browser can go on with a broken download. @throws AppError FILE_NOT_FOUND */
function sendFile(response: Response, path: string, headers: Record<string, string> = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    response.sendFile(
      basename(path),
      { root: dirname(path), dotfiles: 'allow', cacheControl: false, headers },
      error => {
        if (!error) return resolve();
        // A client that went away has nobody to be told.
        if (response.headersSent || (error as NodeJS.ErrnoException).code === 'ECONNABORTED') return resolve();
        const status = (error as { status?: number }).status;
        reject(status === 404 ? new AppError('FILE_NOT_FOUND', { path: 'the file' }, { cause: error }) : error);
      },
    );
  });
}

async function attach(response: Response, file: ResultFile): Promise<void> {
  response.attachment(file.name);
  response.setHeader('X-Content-SHA256', file.sha256);
  await sendFile(response, file.path);
}
