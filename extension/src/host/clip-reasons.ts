/** Why a clip is not simply its source file, or cannot be sent at all; each has a text `selection.reason.…`. */
export const clipReasons = [
  'adjustment',
  'no-media',
  'no-picture',
  'offline',
  'disabled',
  'guide',
  'nested',
  'merged',
  'generated',
  'speed',
  'reversed',
  'remapped',
  'effects',
  'motion',
  'matte',
] as const;
export type ClipReason = (typeof clipReasons)[number];

/** With one of these a clip alone cannot be sent: nothing would be seen of it. */
const refusing: readonly ClipReason[] = ['adjustment', 'no-media', 'no-picture', 'offline', 'disabled', 'guide'];

export function classifyBy(holds: Partial<Record<ClipReason, boolean>>): {
  kind: 'plain' | 'needs-export' | 'refused';
  reasons: ClipReason[];
} {
  const reasons = clipReasons.filter(reason => holds[reason]);
  const isRefused = reasons.some(reason => refusing.includes(reason));
  return { kind: isRefused ? 'refused' : reasons.length > 0 ? 'needs-export' : 'plain', reasons };
}
