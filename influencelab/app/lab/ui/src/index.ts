// The panel, its launcher card and its commands, in JupyterLab and in Notebook 7.
import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { LabIcon } from '@jupyterlab/ui-components';

import { Panel } from './panel';

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
  optional: [ILauncher, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    launcher: ILauncher | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const { commands, shell } = app;
    const panel = new Panel(path => void commands.execute('docmanager:open', { path }), icon);
    shell.add(panel, 'left', { rank: 450 });
    restorer?.add(panel, panel.id);
    commands.addCommand('influencelab:open', {
      label: args => (args.isLauncher ? 'Studies' : 'Show the Studies'),
      caption: 'Find, run and read the studies of influencelab',
      icon: args => (args.isPalette ? undefined : icon),
      execute: args => {
        // Notebook 7.2 closes the side area where it is asked to open what is open.
        if (!panel.isVisible) {
          shell.activateById(panel.id);
        }
        panel.activate();
        if (typeof args.study === 'string') {
          void panel.refresh().then(() => panel.choose(args.study as string));
        }
      }
    });
    commands.addCommand('influencelab:refresh', {
      label: 'Look for Studies and Results Again',
      execute: () => panel.refresh()
    });
    commands.addCommand('influencelab:cancel', { label: 'Cancel All Runs', execute: () => panel.cancelAll() });
    for (const command of ['influencelab:open', 'influencelab:refresh', 'influencelab:cancel']) {
      palette?.addItem({ command, category: CATEGORY, args: { isPalette: true } });
    }
    launcher?.add({ command: 'influencelab:open', category: CATEGORY, args: { isLauncher: true }, rank: 0 });
  }
};

export default plugin;
