import {judgeResidual, residualText} from '../../../fec/residual.js';
import {formatCount, formatShare} from '../../../text/figures.js';
import {factorWords, obstacleWords, promiseWords} from '../../observe/lane-words.js';
import {keyed, make, setAttribute, setText} from './elements.js';

const VERDICTS = {kept: '✓ kept', broken: '✕ broken', unknown: '… not enough traffic to tell'};
const DASH = '–';

/** Shows the promises of a session and what became of them, largest on the page. */
export function showLanes(parent, {sessions, totals}, session) {
	const ofUser = sessions.filter(({user}) => user === session?.user);
	// Those of a user are those of its only session.
	const own = ofUser.length === 1 ? totals?.find(({user}) => user === session.user) : undefined;
	const lanes = session === undefined ? [] : cardsOf(session, own);
	keyed(parent, lanes, {key: ({name}) => name, create: createCard, update: updateCard});
}

/** All lanes of a session as cards; without any it is one of copies alone. */
function cardsOf({lanes, residualLoss, paths}, totals) {
	if (lanes.length > 0) return lanes.map(cardOf);
	const carried = paths.filter(({state}) => state === 'up' || state === 'suspect').length;
	const share = formatShare(residualLoss);
	return [
		{
			name: 'redundant',
			promise: `every datagram as a copy on each path: ${carried} of ${paths.length} carry it`,
			out: {...copiesSide(totals), count: 'losses are counted at the other end'},
			in: {
				residual: share === '-' ? undefined : share.replace('%', ' %'),
				count: 'of the packets never came',
			},
		},
	];
}

/** Traffic so far of all that goes as copies. */
function copiesSide(totals) {
	const sending = totals?.lanes.find(({policy}) => policy === 'redundant')?.sending;
	if (sending === undefined || sending.sourceBytes === 0) return {};
	return {traffic: factorWords(1 + sending.extraBytes / sending.sourceBytes), allowed: 'so far'};
}

function cardOf(lane) {
	const {policy, obstacle, sending, receiving, routed} = lane;
	if (sending !== undefined) return codedCard(lane);
	const instead = lane.lane === 0 ? 'redundant in its place' : 'copies in place of repairs';
	const promise = obstacle === undefined ? 'not coded' : `${instead}: ${obstacleWords(obstacle)}`;
	const out = routed === undefined ? {} : routedSide(routed);
	return {name: policy, promise, out, in: receiving === undefined ? {} : countedSide(receiving)};
}

function routedSide({datagrams, packets, copies, traffic, paths, loss}) {
	const share = formatShare(loss);
	return {
		residual: share === '-' ? undefined : share.replace('%', ' %'),
		traffic: factorWords(traffic),
		count: share === '-' ? '' : 'loss of its path',
		counts:
			`datagrams ${formatCount(datagrams)}, packets ${formatCount(packets)}, ` +
			`copies ${formatCount(copies)}${paths.length === 0 ? '' : ` over ${paths.join(' ')}`}`,
	};
}

function codedCard({policy, obstacle, sending, receiving}) {
	const {promise} = sending;
	const {floor, traffic} = promise;
	const range = floor === traffic ? '' : `${factorWords(floor)} to `;
	const promised = `promised ${Number((100 * promise.residual).toPrecision(3))} %`;
	return {
		name: policy,
		promise: `${promiseWords(promise)}, traffic ${range}${factorWords(traffic)}`,
		note: obstacle === undefined ? sending.explanation : obstacleWords(obstacle),
		out: {
			...failed(sending.residual, promise.residual),
			promised,
			traffic: factorWords(sending.traffic),
			allowed: `at most ${factorWords(sending.allowed)}`,
			mean: `${factorWords(sending.meanTraffic)} in the mean; `,
			counts: countWords(sending.reported),
		},
		in:
			receiving === undefined
				? {promised, count: 'nothing came yet'}
				: {
						...failed(receiving.residual, promise.residual),
						promised,
						allowed: 'planned there',
						counts: countWords(receiving),
					},
	};
}

function countedSide(counts) {
	return {counts: countWords(counts)};
}

/** `< 0.008 % (0 of 36,400) + 12 in 1 step` in its parts. */
function failed(residual, promised) {
	const [, share = '', count = '', apart = ''] =
		/^(.*?) \((.*?)\)(.*)$/.exec(residualText(residual, promised)) ?? [];
	const verdict = judgeResidual(residual, promised);
	const isKnown = verdict === 'kept' || verdict === 'broken';
	return {
		residual: isKnown ? share : undefined,
		verdict: isKnown ? verdict : 'unknown',
		count: `${count} lost or late${apart}`,
	};
}

function countWords({recovered, late, missing}) {
	return `recovered ${formatCount(recovered)}, late ${formatCount(late)}, missing ${formatCount(missing)}`;
}

/** A large value with its name above and the promise below. */
function big(label, name) {
	return make(
		'div',
		{},
		make('p', {class: 'label'}, label),
		make('p', {class: `value ${name}`}),
		make('p', {class: `label promised-${name}`}),
	);
}

function createCard() {
	const direction = (name) =>
		make(
			'div',
			{class: 'direction', 'data-direction': name},
			make('h4', {}, name),
			make('div', {class: 'big'}, big('residual loss', 'residual'), big('traffic', 'traffic')),
			make('p', {class: 'verdict'}),
			make('p', {class: 'count'}),
			make('p', {class: 'counts'}),
		);
	return make(
		'article',
		{class: 'card lane'},
		make('div', {class: 'lane-head'}, make('h3'), make('p', {class: 'promise'})),
		make('div', {class: 'directions'}, direction('out'), direction('in')),
		make('p', {class: 'note'}),
	);
}

function updateCard(card, lane) {
	setText(card.querySelector('h3'), lane.name);
	setText(card.querySelector('.promise'), lane.promise);
	setText(card.querySelector('.note'), lane.note ?? '');
	for (const name of ['out', 'in']) {
		const place = card.querySelector(`[data-direction=${name}]`);
		const {
			residual = DASH,
			verdict,
			count = '',
			traffic = DASH,
			mean = '',
			counts = '',
		} = lane[name];
		setText(place.querySelector('.residual'), residual);
		setText(place.querySelector('.promised-residual'), lane[name].promised ?? '');
		setText(place.querySelector('.traffic'), traffic);
		setText(place.querySelector('.promised-traffic'), lane[name].allowed ?? '');
		setText(place.querySelector('.verdict'), verdict === undefined ? '' : VERDICTS[verdict]);
		setAttribute(place.querySelector('.verdict'), 'data-verdict', verdict);
		setText(place.querySelector('.count'), count);
		setText(place.querySelector('.counts'), `${mean}${counts}`);
	}
}
