import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { arch, cpus, hostname, platform, release } from 'node:os';
import { dirname, join } from 'node:path';
import { AppError } from '#protocol/errors';
import { linkExtraProviders, onnxruntimeFolder, providerEnvironment } from './provider-libraries';
import { providerNames, type ProviderName } from './runtime';
import type { SelfTestResult } from './self-test';

export type Refused = { readonly provider: ProviderName; readonly reason: string };
export type ProviderProbe = SelfTestResult & { readonly provider: ProviderName };
export type Choice = { readonly provider: ProviderName; readonly refused: readonly Refused[]; readonly half: boolean };

type Candidate = {
  readonly provider: ProviderName;
  readonly platforms: readonly NodeJS.Platform[];
  /** Tried by "auto"; the others only when named. */
  readonly auto: boolean;
};

/** In the order in which they are tried. */
export const candidates: readonly Candidate[] = [
  // Builds an engine for every shape of every net, minutes each: for those who ask for it by name.
  { provider: 'tensorrt', platforms: ['linux'], auto: false },
  { provider: 'cuda', platforms: ['linux'], auto: true },
  { provider: 'coreml', platforms: ['darwin'], auto: true },
  { provider: 'dml', platforms: ['win32'], auto: true },
  { provider: 'webgpu', platforms: ['linux', 'win32', 'darwin'], auto: true },
  { provider: 'cpu', platforms: ['linux', 'win32', 'darwin'], auto: true },
];

export type ChooseOptions = {
  /** File that keeps what was found on this machine; without one every call tries again. */
  readonly cacheFile?: string;
  /** Tries one provider; by default in a forked child. */
  readonly probe?: (provider: ProviderName) => Promise<SelfTestResult>;
  readonly platform?: NodeJS.Platform;
  /** Arguments of node for the child; none by default. Tests bring their TypeScript loader in this way. */
  readonly execArgv?: readonly string[];
  readonly timeoutMs?: number;
};

/**
 * The provider that computes. Each is tried before it is trusted: one that does not start, computes wrongly or (for
 * "auto") is slower than the CPU is refused with the reason.
 * @throws AppError PROVIDER_UNAVAILABLE when a provider was named and does not work here
 */
export async function chooseProvider(wanted: ProviderName | 'auto', options: ChooseOptions = {}): Promise<Choice> {
  const probe = probing(options);
  if (wanted !== 'auto') {
    const result = await probe(wanted);
    if (!result.ok)
      throw new AppError('PROVIDER_UNAVAILABLE', { provider: wanted, problem: result.reason ?? 'no reason was given' });
    return { provider: wanted, refused: [], half: result.half };
  }
  const refused: Refused[] = [];
  for (const { provider } of here(options).filter(candidate => candidate.auto)) {
    const result = await probe(provider);
    const reason = result.ok && provider !== 'cpu' ? slowerThanCpu(result, await probe('cpu')) : result.reason;
    if (result.ok && !reason) return { provider, refused, half: result.half };
    refused.push({ provider, reason: reason ?? 'It gave no reason.' });
  }
  const last = refused.at(-1);
  throw new AppError('PROVIDER_UNAVAILABLE', {
    provider: last?.provider ?? 'cpu',
    problem: last?.reason ?? 'nothing was tried',
  });
}

/** All providers that could exist on this system, each with what was found; for `doctor`. */
export async function probeProviders(options: ChooseOptions = {}): Promise<ProviderProbe[]> {
  const probe = probing(options);
  const found: ProviderProbe[] = [];
  for (const { provider } of here(options)) found.push({ provider, ...(await probe(provider)) });
  return found;
}

const here = (options: ChooseOptions) =>
  candidates.filter(candidate => candidate.platforms.includes(options.platform ?? platform()));

/** A software driver passes for a GPU and is far slower than the CPU provider. */
function slowerThanCpu(result: SelfTestResult, cpu: SelfTestResult): string | undefined {
  if (!cpu.ok || result.stepMs === undefined || cpu.stepMs === undefined || result.stepMs <= cpu.stepMs)
    return undefined;
  return `It works, but is slower here than the processor (${result.stepMs.toFixed(1)} ms against ${cpu.stepMs.toFixed(1)} ms).`;
}

type CacheFile = {
  readonly version: 1;
  readonly machine: string;
  readonly results: Record<string, { readonly at: number; readonly result: SelfTestResult }>;
};

/** Found again after this: drivers are updated, and a refusal need not last. */
const cacheMs = 7 * 24 * 3600 * 1000;

function probing(options: ChooseOptions): (provider: ProviderName) => Promise<SelfTestResult> {
  const probe = options.probe ?? (provider => probeInChild(provider, options));
  const { cacheFile } = options;
  const machine = cacheFile ? machineKey() : '';
  const asked = new Map<ProviderName, Promise<SelfTestResult>>();
  const ask = async (provider: ProviderName): Promise<SelfTestResult> => {
    const known = cacheFile ? readCache(cacheFile, machine).results[provider] : undefined;
    if (known && Date.now() - known.at < cacheMs && Date.now() >= known.at) return known.result;
    const result = await probe(provider);
    if (cacheFile) {
      const cache = readCache(cacheFile, machine);
      writeCache(cacheFile, { ...cache, results: { ...cache.results, [provider]: { at: Date.now(), result } } });
    }
    return result;
  };
  return provider => {
    const answer = asked.get(provider) ?? ask(provider);
    asked.set(provider, answer);
    return answer;
  };
}

/** Whatever may change an answer: machine, system, driver, versions, where libraries are looked for. */
function machineKey(): string {
  const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
  const libraries = onnxruntimeFolder();
  const parts = [
    hostname(),
    platform(),
    arch(),
    release(),
    cpus()[0]?.model ?? '',
    String(cpus().length),
    read('/proc/driver/nvidia/version'),
    libraries ? String(statSync(libraries).mtimeMs) : '',
    ...['LD_LIBRARY_PATH', 'VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'REVERIE_CUDA_LIBRARIES', 'CUDA_VISIBLE_DEVICES'].map(
      name => process.env[name] ?? '',
    ),
  ];
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}

function readCache(path: string, machine: string): CacheFile {
  const empty: CacheFile = { version: 1, machine, results: {} };
  try {
    const file = JSON.parse(readFileSync(path, 'utf8')) as CacheFile;
    return file.version === 1 && file.machine === machine ? file : empty;
  } catch {
    // Absent or damaged: what it held can be found again.
    return empty;
  }
}

function writeCache(path: string, file: CacheFile): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, JSON.stringify(file, undefined, 1));
  renameSync(temporary, path);
}

/** `probe-provider.js` beside the bundle that runs, or `probe-provider.ts` beside this file in a source tree. */
function probeEntry(): string {
  const built = join(__dirname, 'probe-provider.js');
  return existsSync(built) ? built : join(__dirname, 'probe-provider.ts');
}

/** The self-test in a child, which a bad driver may hang or crash; its standard error tells why a library is missing. */
async function probeInChild(
  provider: ProviderName,
  { execArgv, timeoutMs = 120_000 }: ChooseOptions,
): Promise<SelfTestResult> {
  const linkProblem = provider === 'cuda' || provider === 'tensorrt' ? linkExtraProviders() : undefined;
  return new Promise(resolve => {
    const child = fork(probeEntry(), [provider], {
      execArgv: [...(execArgv ?? [])],
      env: { ...process.env, ...providerEnvironment(provider) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let errors = '';
    let result: SelfTestResult | undefined;
    let timedOut = false;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-16_000);
    });
    child.on('message', message => {
      result = message as SelfTestResult;
    });
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    const refuse = (reason: string) =>
      resolve({ ok: false, half: false, reason: [reason, linkProblem].filter(Boolean).join(' ') });
    child.on('error', error => refuse(error.message));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (result?.ok) return resolve(result);
      if (result) return refuse(reasonFrom(errors) ?? result.reason ?? 'It gave no reason.');
      if (timedOut) return refuse(`It did not answer within ${timeoutMs / 1000} s.`);
      refuse(`The test ended by ${signal ?? `status ${code}`}${reasonFrom(errors) ? `: ${reasonFrom(errors)}` : '.'}`);
    });
  });
}

/**
 * The reason in onnxruntime's log: "Failed to load library .../libonnxruntime_providers_cuda.so with error:
 * libcublasLt.so.13: cannot open shared object file" becomes its last part.
 */
export function reasonFrom(errors: string): string | undefined {
  // The log is coloured.
  const lines = errors.replace(/\u001b\[[0-9;]*m/g, '').split('\n');
  for (const line of lines.reverse()) {
    const library = /Failed to load library (\S+) with error: (.+)/.exec(line);
    if (!library) continue;
    const missing = library[2].replace(/: cannot open shared object file.*/, '').trim();
    const own = library[1].split(/[\\/]/).at(-1)!;
    return missing.endsWith(own) ? `${own} is not installed.` : `${own} needs ${missing}, which was not found.`;
  }
  return undefined;
}

export const isProviderName = (text: string): text is ProviderName =>
  (providerNames as readonly string[]).includes(text);
