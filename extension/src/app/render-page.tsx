import { DropArea } from '../components/fields';
import { useTexts } from '../i18n/context';
import { ClipBar, ClipStage } from './clip-stage';
import { useApp, useSession } from './context';
import { EffectForm } from './effect-form';
import { Footer } from './footer';
import { Monitor } from './monitor';
import { OutputForm } from './output-form';
import { PresetChooser } from './preset-chooser';
import { Selection } from './selection';
import { DrawingProvider } from './shapes';
import styles from './render.module.css';

/** The page where everything begins: clip, range, preset, still, and the big button. */
export function RenderPage() {
  const { t } = useTexts();
  const session = useSession();
  const ready = useApp(state => state.source.phase === 'ready');
  const draft = useApp(state => state.draft);
  const takesFiles = session.host.capabilities.range === 'clip';
  const page = (
    <DrawingProvider>
      <div className={styles.columns}>
        <div className={styles.left}>
          <ClipBar />
          {ready ? <Monitor /> : <ClipStage />}
        </div>
        <div className={styles.right}>
          {!takesFiles && <Selection />}
          <PresetChooser />
          {draft && <EffectForm preset={draft} onChange={session.changeDraft} />}
          {draft && <OutputForm preset={draft} onChange={session.changeDraft} />}
        </div>
      </div>
      <Footer />
    </DrawingProvider>
  );
  if (!takesFiles) return <div className={styles.page}>{page}</div>;
  return (
    <DropArea hint={t('clip.drop')} onFiles={files => session.openFile(files[0])} className={styles.page}>
      {page}
    </DropArea>
  );
}
