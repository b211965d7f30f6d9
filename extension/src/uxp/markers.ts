import type { Marker, Sequence } from '@adobe/premierepro';
import { AppError } from '#protocol/errors';
import type { PremiereCalls } from '#protocol/host-facts';
import type { Premiere } from './modules';
import { isNear, openSequence } from './timeline';
import { transact } from './transaction';

type Calls = PremiereCalls;
type Wanted = Calls['writeMarkers']['params']['markers'][number];

async function readAll({ Markers }: Premiere, sequence: Sequence, timebase: string) {
  const markers = await Markers.getMarkers(sequence);
  const all = markers.getMarkers();
  const find = ({ name, start }: Wanted): Marker | undefined =>
    all.find(marker => marker.getName() === name && isNear(marker.getStart().ticks, start, timebase));
  return { markers, find };
}

/** Adds markers. One that stands there under the same name is brought up to date, so that a second call adds nothing. */
export async function writeMarkers(
  ppro: Premiere,
  { sequence: id, markers: wanted }: Calls['writeMarkers']['params'],
): Promise<Calls['writeMarkers']['value']> {
  const { project, sequence } = await openSequence(ppro, id);
  const timebase = await sequence.getTimebase();
  const { TickTime, Marker } = ppro;
  const time = (ticks: string) => TickTime.createWithTicks(ticks);
  const lengthOf = ({ start, end }: Wanted) => time(String(BigInt(end) - BigInt(start)));

  const before = await readAll(ppro, sequence, timebase);
  const { problem } = transact(project, 'Reverie: sections as markers', () =>
    wanted.flatMap(each => {
      const there = before.find(each);
      return there
        ? [there.createSetDurationAction(lengthOf(each)), there.createSetCommentsAction(each.comment)]
        : [
            before.markers.createAddMarkerAction(
              each.name,
              Marker.MARKER_TYPE_COMMENT,
              time(each.start),
              lengthOf(each),
              each.comment,
            ),
          ];
    }),
  );
  const written = await readAll(ppro, sequence, timebase);
  for (const each of wanted) {
    const marker = written.find(each);
    if (!marker)
      throw new AppError('HOST_FAILED', {
        problem: `the marker "${each.name}" was not made${problem ? `: ${problem}` : ''}`,
      });
    if (!isNear(marker.getDuration().ticks, lengthOf(each).ticks, timebase))
      throw new AppError('HOST_FAILED', { problem: `the marker "${each.name}" did not take its length` });
  }
  // A colour can be set only on a marker that is there.
  const uncoloured = wanted.filter(each => each.colour >= 0 && written.find(each)?.getColorIndex() !== each.colour);
  if (uncoloured.length > 0) {
    transact(project, 'Reverie: colours of markers', () =>
      uncoloured.flatMap(each => written.find(each)?.createSetColorByIndexAction(each.colour) ?? []),
    );
  }
  return { written: wanted.length };
}
