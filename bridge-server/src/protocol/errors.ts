/**
 * Every failure that a person can meet: one row, one code. `exit` is the command line's exit status (2 wrong use,
 * 3 a refused input, 4 a failed render, 130 interrupted), `http` the status of the same failure over HTTP.
 * The texts here are English; `extension/src/i18n` holds the same rows in other languages.
 */
export type ErrorRow = {
  readonly http: number;
  readonly exit: 2 | 3 | 4 | 130;
  readonly cause: string;
  readonly remedy: string;
};

export const errors = {
  // wrong use
  USAGE: { http: 400, exit: 2, cause: '{problem}', remedy: 'See `reverie --help`.' },
  PRESET_NOT_FOUND: {
    http: 404,
    exit: 3,
    cause: 'There is no preset named "{name}".',
    remedy: 'Choose one of: {known}.',
  },
  PRESET_INVALID: {
    http: 422,
    exit: 3,
    cause: 'The preset is not valid: {problem}',
    remedy: 'Correct the named setting, or start from a built-in preset.',
  },
  PARAMETER_WRONG: {
    http: 422,
    exit: 2,
    cause: 'The setting {name} cannot be {value}: {problem}',
    remedy: 'Choose a value in its range.',
  },
  RATE_WRONG: {
    http: 422,
    exit: 2,
    cause: '"{text}" is not a frame rate.',
    remedy: 'Write it like 50, 29.97 or 30000/1001.',
  },
  TIMECODE_WRONG: {
    http: 422,
    exit: 2,
    cause: '"{text}" is not a position in this clip.',
    remedy: 'Write a frame number (120), a timecode (00:00:05:12) or seconds (2.5s).',
  },
  RANGE_WRONG: {
    http: 422,
    exit: 2,
    cause: '"{text}" is not a range.',
    remedy: 'Write first and last frame like 0:49, or two timecodes with ".." between them.',
  },
  RANGE_EMPTY: {
    http: 422,
    exit: 3,
    cause: 'The range {text} holds no frame.',
    remedy: 'Set the out point after the in point.',
  },
  RANGE_OUTSIDE: {
    http: 422,
    exit: 3,
    cause: 'The range {first} to {last} lies outside the clip, which has {frames} frames.',
    remedy: 'Choose a range inside the clip.',
  },

  // inputs
  FILE_NOT_FOUND: {
    http: 404,
    exit: 3,
    cause: 'There is no file {path}.',
    remedy: 'Check the name, or choose the file again.',
  },
  FILE_UNREADABLE: {
    http: 422,
    exit: 3,
    cause: '{path} cannot be read: {problem}',
    remedy: 'Check that you may open the file and that its drive is connected.',
  },
  NOT_MEDIA: {
    http: 422,
    exit: 3,
    cause: '{path} is not a video that ffmpeg can read.',
    remedy: 'Export the clip again as ProRes or H.264.',
  },
  NO_VIDEO: { http: 422, exit: 3, cause: '{path} holds no picture, only sound.', remedy: 'Choose a clip with video.' },
  NO_SOUND: {
    http: 422,
    exit: 3,
    cause: '{path} holds no sound.',
    remedy: 'Choose a clip with sound, or cut the sections by hand or from markers.',
  },
  MEDIA_DAMAGED: {
    http: 422,
    exit: 3,
    cause: '{path} is damaged: {problem}',
    remedy: 'Export or copy the clip again.',
  },
  IMAGE_UNREADABLE: {
    http: 422,
    exit: 3,
    cause: '{path} is not a picture that can be read.',
    remedy: 'Use a PNG, JPEG, TIFF or WebP file.',
  },
  SIZE_REFUSED: {
    http: 422,
    exit: 3,
    cause: 'A picture of {width}x{height} is {problem}.',
    remedy: 'Scale the clip to between 16 and 8192 pixels a side.',
  },
  DURATION_REFUSED: {
    http: 422,
    exit: 3,
    cause: 'The clip has {frames} frames; at most {limit} are taken at once.',
    remedy: 'Send a shorter range.',
  },
  OUTPUT_EXISTS: {
    http: 409,
    exit: 3,
    cause: '{path} exists already.',
    remedy: 'Choose another name, or allow overwriting with --force.',
  },
  OUTPUT_UNWRITABLE: {
    http: 500,
    exit: 3,
    cause: '{path} cannot be written: {problem}',
    remedy: 'Choose a folder that you may write to.',
  },
  OUTPUT_NAME_WRONG: {
    http: 422,
    exit: 2,
    cause: '{codec} cannot be written to a file named {path}.',
    remedy: 'Give the file one of the endings {endings}.',
  },
  OUTPUT_UNSUITABLE: {
    http: 422,
    exit: 3,
    cause: 'The format {codec} cannot hold {what}.',
    remedy: 'Choose ProRes 4444 or a PNG sequence.',
  },

  // the machine
  FFMPEG_NOT_FOUND: {
    http: 503,
    exit: 3,
    cause: 'No ffmpeg was found on this computer.',
    remedy: 'Install ffmpeg, or set its path in Settings.',
  },
  FFMPEG_FAILED: {
    http: 500,
    exit: 4,
    cause: 'ffmpeg stopped while it was to {task}: {problem}',
    remedy: 'Try again; if it happens again, send the report of this job.',
  },
  ENCODER_MISSING: {
    http: 503,
    exit: 3,
    cause: 'The ffmpeg on this computer cannot write {codec}.',
    remedy: 'Install a full build of ffmpeg, or choose another format.',
  },
  DISK_FULL: {
    http: 507,
    exit: 4,
    cause: 'The disk is full: {need} more needed in {path}.',
    remedy: 'Make space, then resume the job: nothing that was finished is lost.',
  },
  DISK_TOO_SMALL: {
    http: 507,
    exit: 3,
    cause: 'This job needs {need} on {path}, and {free} are free.',
    remedy: 'Make space, choose a shorter range, or set another folder in Settings.',
  },
  MEMORY_TOO_SMALL: {
    http: 507,
    exit: 3,
    cause: 'This job needs {need} of memory, and this machine has {have}.',
    remedy: 'Lower the working size, or use a machine with more memory.',
  },
  OUT_OF_MEMORY: {
    http: 507,
    exit: 4,
    cause: 'The memory ran out at {width}x{height}.',
    remedy: 'Lower the working size or the tile size.',
  },
  PROVIDER_UNAVAILABLE: {
    http: 503,
    exit: 3,
    cause: 'The provider {provider} does not work here: {problem}',
    remedy: 'Choose "auto", or see `reverie doctor`.',
  },

  // nets
  NET_NOT_FOUND: {
    http: 404,
    exit: 3,
    cause: 'The net {name} is not installed.',
    remedy: 'Install it with `reverie models pull {name}`, or choose an embedded one.',
  },
  NET_UNKNOWN_FORMAT: {
    http: 422,
    exit: 3,
    cause: '{path} is not a net that Reverie can read: {problem}',
    remedy: 'Import an ONNX, caffemodel, ncnn or TFLite file.',
  },
  NET_DAMAGED: {
    http: 422,
    exit: 3,
    cause: 'The net {name} is damaged at {where}: {problem}',
    remedy: 'Get the file again.',
  },
  NET_UNSUPPORTED: {
    http: 422,
    exit: 3,
    cause: 'The net {name} uses {what}, which Reverie cannot run.',
    remedy: 'Convert the net to ONNX with standard operators.',
  },
  NET_LAYER_UNKNOWN: {
    http: 422,
    exit: 3,
    cause: 'The net {name} has no layer {layer}.',
    remedy: 'Choose one of: {known}.',
  },
  NET_LOAD_FAILED: {
    http: 500,
    exit: 4,
    cause: 'The net {name} could not be loaded: {problem}',
    remedy: 'See `reverie doctor`, or choose another provider.',
  },
  NET_INPUT_WRONG: {
    http: 500,
    exit: 4,
    cause: 'The net {name} was given {actual} where it takes {expected}.',
    remedy: 'Send the report of this job.',
  },
  NET_RUN_FAILED: {
    http: 500,
    exit: 4,
    cause: 'The net {name} failed: {problem}',
    remedy: 'Try again with another provider.',
  },
  MODEL_HASH_WRONG: {
    http: 502,
    exit: 3,
    cause: 'The download of {name} is damaged.',
    remedy: 'Try again, or choose another mirror.',
  },
  DOWNLOAD_FAILED: {
    http: 502,
    exit: 3,
    cause: '{name} could not be downloaded: {problem}',
    remedy: 'Check the network, choose a mirror in Settings, or import the file.',
  },
  SHAPE_MISMATCH: {
    http: 500,
    exit: 4,
    cause: '{what}: expected {expected}, got {actual}.',
    remedy: 'Send the report of this job.',
  },
  GRADIENT_MISSING: {
    http: 422,
    exit: 4,
    cause: 'The op {op} has no gradient toward its input.',
    remedy: 'Choose a layer before it.',
  },

  // jobs
  JOB_NOT_FOUND: { http: 404, exit: 3, cause: 'There is no job {id}.', remedy: 'See the list of jobs.' },
  JOB_RUNNING: { http: 409, exit: 3, cause: 'The job {id} is still running.', remedy: 'Cancel it first.' },
  CLIP_NOT_FOUND: {
    http: 404,
    exit: 3,
    cause: 'The clip {clip} is not here any more.',
    remedy: 'Send the clip again.',
  },
  WORKER_CRASHED: {
    http: 500,
    exit: 4,
    cause: 'The render process ended in {stage} at frame {frame}: {problem}',
    remedy: 'The job can be resumed; the log is {log}.',
  },
  WORKER_HUNG: {
    http: 500,
    exit: 4,
    cause: 'The render process did not answer for {seconds} s in {stage} at frame {frame}.',
    remedy: 'The job can be resumed; lower the working size if it happens again.',
  },
  RESULT_INCOMPLETE: {
    http: 500,
    exit: 4,
    cause: 'The finished clip has {actual} frames instead of {expected}.',
    remedy: 'Resume the job; if it happens again, send its report.',
  },
  RESULT_WRONG: {
    http: 500,
    exit: 4,
    cause: 'The finished clip {path} is not as it should be: {problem}',
    remedy: 'Resume the job; if it happens again, send its report.',
  },
  FRAME_DEFECT: {
    http: 500,
    exit: 4,
    cause: 'Frame {frame} is {defect} and could not be repaired.',
    remedy: 'Lower the strength, or send the report of this job.',
  },
  CANCELLED: { http: 499, exit: 130, cause: 'The work was stopped.', remedy: 'It can be resumed where it stopped.' },

  REDIS_UNREACHABLE: {
    http: 503,
    exit: 3,
    cause: 'Redis at {address} does not answer: {problem}',
    remedy: 'Check that Redis runs and that address and password are right.',
  },

  // bridge
  UNAUTHORISED: {
    http: 401,
    exit: 3,
    cause: 'The address has no token, or one from before Reverie was started again.',
    remedy: 'Open the whole address that the bridge printed last.',
  },
  ORIGIN_REFUSED: {
    http: 403,
    exit: 3,
    cause: 'A page at {origin} may not use this bridge.',
    remedy: 'Open the panel from the bridge itself.',
  },
  MESSAGE_INVALID: {
    http: 400,
    exit: 4,
    cause: 'The message was not understood: {problem}',
    remedy: 'Reload the panel; update it if this happens again.',
  },
  MESSAGE_TOO_LARGE: {
    http: 413,
    exit: 4,
    cause: 'The message has {actual} bytes; at most {limit} are taken.',
    remedy: 'Reload the panel; update it if this happens again.',
  },
  VERSION_MISMATCH: {
    http: 426,
    exit: 3,
    cause: 'The panel speaks version {panel}, the bridge version {bridge}.',
    remedy: 'Update the older of the two.',
  },
  UPLOAD_TOO_LARGE: {
    http: 413,
    exit: 3,
    cause: 'The clip has {actual}; at most {limit} are taken.',
    remedy: 'Send a shorter range.',
  },
  UPLOAD_HASH_WRONG: { http: 422, exit: 3, cause: 'The clip arrived damaged.', remedy: 'Send it again.' },
  UPLOAD_UNKNOWN: { http: 404, exit: 3, cause: 'That upload is not open.', remedy: 'Send the clip again.' },
  TOO_MANY: {
    http: 429,
    exit: 4,
    cause: 'Too many {what} at once (at most {limit}).',
    remedy: 'Wait a moment and try again.',
  },
  BRIDGE_UNREACHABLE: {
    http: 503,
    exit: 3,
    cause: 'The bridge does not answer.',
    remedy: 'Press "Start the bridge" in the panel, or write `npx reverie serve` in a terminal.',
  },
  PANEL_NOT_OPEN: {
    http: 409,
    exit: 3,
    cause: 'No panel is open that could act.',
    remedy: 'Open the Reverie panel in the application (Window > Extensions), then try again.',
  },
  CONNECTION_LOST: {
    http: 503,
    exit: 4,
    cause: 'The connection to the bridge was lost.',
    remedy: 'Wait: it is opened again by itself, and jobs go on meanwhile.',
  },
  // hosts
  NO_SEQUENCE: {
    http: 409,
    exit: 3,
    cause: 'No sequence or composition is open.',
    remedy: 'Open one, then try again.',
  },
  HOST_FAILED: {
    http: 500,
    exit: 4,
    cause: 'The application answered with an error: {problem}',
    remedy: 'Try again; close any dialog that it shows.',
  },
  NOTHING_MARKED: {
    http: 409,
    exit: 3,
    cause: 'Nothing is marked on the timeline.',
    remedy: 'Select a clip, or set an in and an out point.',
  },
  SELECTION_SCATTERED: {
    http: 409,
    exit: 3,
    cause: 'The selected clips do not follow one another: there is a gap at frame {frame}.',
    remedy: 'Select clips without a gap, or set an in and an out point around them.',
  },
  SELECTION_REFUSED: {
    http: 409,
    exit: 3,
    cause: '"{name}" has no picture of its own that could be sent ({why}).',
    remedy: 'Select a clip with footage, or set an in and an out point to send what the range shows.',
  },
  RANGE_GONE: {
    http: 409,
    exit: 3,
    cause: 'The clip or marker is not on the timeline any more, or was moved.',
    remedy: 'Choose it again in the list.',
  },
  HOST_BUSY: {
    http: 504,
    exit: 4,
    cause: 'The application has not answered for {seconds} s ({call}). It is probably showing a dialog.',
    remedy: 'Close the dialog in the application, then try again: nothing is done twice.',
  },
  HOST_REPLY_BROKEN: {
    http: 502,
    exit: 4,
    cause: 'The application’s answer to {call} cannot be read: {reply}',
    remedy: 'Close the panel and open it again; update Reverie if this happens again.',
  },
  HOST_SCRIPT_WRONG: {
    http: 502,
    exit: 3,
    cause: 'The script in the application has version {script}; this panel needs {panel}.',
    remedy: 'Quit the application and start it again.',
  },
  HOST_RANGE_IGNORED: {
    http: 502,
    exit: 4,
    cause: 'The application did not take the in and out points, so nothing was exported.',
    remedy: 'Set the in and out points by hand around the clip, then try again.',
  },
  HOST_RANGE_NOT_RESTORED: {
    http: 500,
    exit: 4,
    cause: 'The export succeeded, but the in and out points or muted tracks are not as they were.',
    remedy: 'Set them again by hand.',
  },
  EXPORT_PRESET_MISSING: {
    http: 409,
    exit: 3,
    cause: 'No export preset was found. Searched: {tried}.',
    remedy: 'Choose an H.264 or ProRes export preset (.epr) on the set-up page.',
  },
  EXPORT_FAILED: {
    http: 500,
    exit: 4,
    cause: 'The application did not export {path}: {problem}',
    remedy: 'Check the export preset and the free disk space, then try again.',
  },
  EXPORT_WRONG_LENGTH: {
    http: 500,
    exit: 4,
    cause: 'The application exported {actual} frames instead of {expected}, so nothing was rendered.',
    remedy: 'Choose another export preset ("Match Source"), then try again.',
  },
  EXPORT_WRONG_SIZE: {
    http: 500,
    exit: 4,
    cause: 'The application exported {actual} instead of {expected} pixels, so nothing was rendered.',
    remedy: 'Choose an output template that does not resize, and render settings of full resolution.',
  },
  EXPORT_PRESET_UNFIT: {
    http: 422,
    exit: 3,
    cause: 'The export preset {path} is not fit: {problem}',
    remedy: 'Choose an H.264 or ProRes preset (.epr).',
  },
  HOST_NOT_RESTORED: {
    http: 500,
    exit: 4,
    cause: 'The export succeeded, but not everything is as it was: {what}.',
    remedy: 'Set it again by hand.',
  },
  MARKER_TAKEN: {
    http: 409,
    exit: 3,
    cause: 'Your marker "{name}" stands at frame {frame}, and two do not fit there. None was written.',
    remedy: 'Move it by a frame or delete it, then write the markers again.',
  },
  IMPORT_FAILED: {
    http: 500,
    exit: 4,
    cause: 'The application did not import {path}.',
    remedy: 'Check that the file opens in the application, then place the result again.',
  },
  NO_FREE_TRACK: {
    http: 409,
    exit: 3,
    cause: 'No free video track lies above the clip, and none could be added: {problem}',
    remedy: 'Add a video track at the top of the sequence, then place the result again.',
  },
  TRACKS_SHIFTED: {
    http: 500,
    exit: 4,
    cause: 'The application moved the tracks of the sequence (seen at "{clip}") and could not move them back.',
    remedy: 'Undo once in the application, add a video track at the top by hand, and place the result again.',
  },
  NOT_PLACED: {
    http: 500,
    exit: 4,
    cause: 'The result is not on the timeline: {problem}',
    remedy: 'The file is imported in the bin "Reverie": drag it to the timeline, or place it again.',
  },
  SOURCE_CHANGED: {
    http: 409,
    exit: 3,
    cause: 'The layer "{name}" shows another source, or plays it at another speed, than when it was rendered.',
    remedy: 'Render the layer again as it is now, or drag the result from the folder "Reverie" by hand.',
  },
  SEQUENCE_RATE_CHANGED: {
    http: 409,
    exit: 3,
    cause: 'The composition has {now} frames a second now, and had {before} when this was rendered.',
    remedy: 'Set its frame rate back and place the result again, or render it again at the new rate.',
  },
  SOURCE_TRIMMED: {
    http: 409,
    exit: 3,
    cause:
      'The clip "{name}" begins elsewhere in its source than when it was rendered, so the result does not fit it any more.',
    remedy: 'Render the clip again as it is now, or drag the result from the bin "Reverie" by hand.',
  },
  TIMELINE_CHANGED: {
    http: 500,
    exit: 4,
    cause: 'While placing, the application changed another clip: "{clip}" on {track}.',
    remedy: 'Undo in the application until that clip is back, and drag the result from the bin "Reverie" by hand.',
  },
  REPLACE_FAILED: {
    http: 500,
    exit: 4,
    cause: 'The older result {path} could not be replaced: {problem}',
    remedy: 'Remove the older result, then place the new one.',
  },
  REMOVE_FAILED: {
    http: 500,
    exit: 4,
    cause: 'The result could not be taken off the timeline.',
    remedy: 'Unlock its track or layer, or delete the clip by hand.',
  },
  BRIDGE_NOT_STARTED: {
    http: 503,
    exit: 3,
    cause: 'The bridge could not be started: {problem}',
    remedy: 'Start it in a terminal with `reverie serve`.',
  },

  INTERNAL: {
    http: 500,
    exit: 4,
    cause: 'Something unforeseen went wrong: {problem}',
    remedy: 'Send the report; the job can be resumed.',
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errors;
export type ErrorDetails = Readonly<Record<string, string | number>>;

/** What crosses a process, a socket or a log. */
export type ErrorJson = { readonly code: ErrorCode; readonly details: ErrorDetails };

export function fillText(text: string, details: ErrorDetails): string {
  return text.replace(/\{(\w+)\}/g, (whole, key: string) => (key in details ? String(details[key]) : whole));
}

export class AppError extends Error {
  constructor(
    readonly code: ErrorCode,
    readonly details: ErrorDetails = {},
    options?: { cause?: unknown },
  ) {
    super(`${code}: ${fillText(errors[code].cause, details)}`, options);
    this.name = 'AppError';
  }
  toJSON(): ErrorJson {
    return { code: this.code, details: this.details };
  }
  static from(json: ErrorJson): AppError {
    return new AppError(json.code in errors ? json.code : 'INTERNAL', json.details);
  }
}

/** Turns whatever was thrown into something that can be shown; what is not an AppError becomes INTERNAL. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const problem = thrown instanceof Error ? thrown.message : String(thrown);
  return new AppError('INTERNAL', { problem }, { cause: thrown });
}
