// The bar of studies, their pages, the launcher card and the commands, in JupyterLab and in Notebook 7.
import { ILabShell, ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { LabIcon } from '@jupyterlab/ui-components';

import { Feed } from './feed';
import { Sidebar } from './list';
import { StudyPage } from './study';

// Points along a diagonal: what was predicted, and what happened.
const icon = new LabIcon({
  name: 'influencelab:icon',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">
  <path class="jp-icon3" fill="#616161" d="M1.5 2h1.2v11.3H14v1.2H1.5z"/>
  <g class="jp-icon3" fill="#616161"><circle cx="5" cy="11" r="1.3"/><circle cx="7.5" cy="9.6" r="1.3"/>
  <circle cx="9" cy="6.8" r="1.3"/><circle cx="12" cy="4.5" r="1.3"/></g></svg>`
});
const CATEGORY = 'influencelab';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'influencelab:studies',
  description: 'Find, run and read the studies.',
  autoStart: true,
  optional: [ILauncher, ICommandPalette, ILayoutRestorer, ILabShell],
  activate: (
    app: JupyterFrontEnd,
    launcher: ILauncher | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    lab: ILabShell | null
  ) => {
    const { commands, shell } = app;
    const feed = new Feed();
    const tracker = new WidgetTracker<MainAreaWidget<StudyPage>>({ namespace: 'influencelab' });
    const sidebar = new Sidebar(feed, icon, study => void commands.execute('influencelab:study', { study }));
    shell.add(sidebar, 'left', { rank: 450 });
    restorer?.add(sidebar, sidebar.id);
    commands.addCommand('influencelab:open', {
      label: args => (args.isLauncher ? 'Studies' : 'Show the Studies'),
      caption: 'Find, run and read the studies of influencelab',
      icon: args => (args.isPalette ? undefined : icon),
      execute: () => {
        // Notebook 7.2 closes the side area where it is asked to open what is open.
        if (!sidebar.isVisible) {
          shell.activateById(sidebar.id);
        }
        sidebar.activate();
      }
    });
    commands.addCommand('influencelab:study', {
      label: 'Open a Study',
      execute: ({ study }) => {
        const open = tracker.find(page => page.content.study === study);
        if (open) {
          shell.activateById(open.id);
          return;
        }
        const content = new StudyPage(String(study), feed, path => void commands.execute('docmanager:open', { path }));
        if (!lab) {
          sidebar.host(content);
          return;
        }
        const page = new MainAreaWidget({ content });
        page.id = `influencelab-${study}`;
        page.toolbar.hide();
        Object.assign(page.title, { label: String(study), icon, closable: true, caption: `Study ${study}` });
        shell.add(page, 'main');
        void tracker.add(page);
        shell.activateById(page.id);
      }
    });
    commands.addCommand('influencelab:refresh', {
      label: 'Look for Studies and Results Again',
      execute: () => feed.refresh()
    });
    commands.addCommand('influencelab:cancel', { label: 'Stop All Runs', execute: () => feed.cancelAll() });
    lab?.currentChanged.connect(() => {
      const page = tracker.find(each => each === shell.currentWidget);
      sidebar.mark(page?.content.study ?? null);
    });
    void restorer?.restore(tracker, {
      command: 'influencelab:study',
      args: page => ({ study: page.content.study }),
      name: page => page.content.study
    });
    for (const command of ['influencelab:open', 'influencelab:refresh', 'influencelab:cancel']) {
      palette?.addItem({ command, category: CATEGORY, args: { isPalette: true } });
    }
    launcher?.add({ command: 'influencelab:open', category: CATEGORY, args: { isLauncher: true }, rank: 0 });
  }
};

export default plugin;
