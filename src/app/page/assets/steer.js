import {byId, setText} from './elements.js';

/** The token is the first part of the address of the page. */
const token = location.pathname.split('/')[1];

/** Asks the program for something; what became of it is shown, and read out. */
export async function order(words, request) {
	const said = byId('said');
	setText(said, `${words} …`);
	try {
		const response = await fetch('order', {
			method: 'POST',
			headers: {'content-type': 'application/json', 'x-mptunnel-token': token},
			body: JSON.stringify(request),
		});
		if (!response.ok) throw new Error(`the program answers ${response.status}`);
		const {ok, reason} = await response.json();
		setText(said, ok ? `${words}: done` : `${words}: ${reason}`);
	} catch (error) {
		setText(said, `${words}: ${error instanceof Error ? error.message : 'no answer'}`);
	}
}
