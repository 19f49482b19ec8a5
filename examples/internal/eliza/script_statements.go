package eliza

// statements is about what the user says of the world and of themselves.
var statements = []rule{
	{
		says: []string{"i am ?so/very/really/terribly sorry", "^ sorry", "i apologise/apologize"},
		replies: []string{
			"There is no need to be sorry. Go on.",
			"For what? Nothing here can be spoiled.",
			"Do you often apologise?",
		},
	},
	{
		says: []string{"i think/hope/guess/believe/suppose so", "i hope/think not $"},
		replies: []string{
			"You do not sound entirely convinced. What is missing?",
			"And what would make you certain?",
			"What would it mean for you if it were so?",
		},
	},
	{
		says: []string{"^ ?so/and/maybe/perhaps/probably because +"},
		replies: []string{
			"Is that the only reason?",
			"Would it be otherwise if that were not so?",
			"Does that reason explain anything else?",
			"Who gave you that reason first?",
		},
	},
	{
		says: []string{"everybody/everyone/nobody +", "no one +", "all people +"},
		replies: []string{
			"Really without an exception?",
			"Of whom in particular are you thinking?",
			"Who told you so?",
			"And you, are you one of them?",
		},
	},
	{
		says: []string{"^ if +"},
		replies: []string{
			"How likely is it, do you think, that {1}?",
			"Suppose {1}. What would you do first?",
			"And if not?",
		},
	},
	{
		says: []string{"i ?just/can/often/still/always remember +", "i ?will/can ?never/not forget +"},
		keep: "you remember {1}",
		replies: []string{
			"What else comes back with it?",
			"What brings it to mind just now?",
			"Has the memory changed over the years?",
			"Who else was there?",
		},
	},
	{
		says: []string{"i ?always/often/keep think/thinking ?a ?lot about/of +"},
		keep: "you think about {1}",
		replies: []string{
			"At what times of the day do you think about {1}?",
			"And where do your thoughts end up?",
			"What would you think about if that were settled?",
		},
	},
	{
		says: []string{"i ?really/always/also/honestly think/thought/believe/guess/suppose/suspect ?that +"},
		keep: "you think that {1}",
		replies: []string{
			"What makes you think that {1}?",
			"Do you ever doubt it?",
			"Who would contradict you there?",
			"Since when have you seen it that way?",
		},
	},
	{
		says: []string{"i ?really/just/also/always like/love/enjoy/loved/liked/adore +"},
		keep: "you are fond of {1}",
		replies: []string{
			"What do you like most about {1}?",
			"With whom do you share that?",
			"When did you discover it for yourself?",
			"Is there enough room for it in your life?",
		},
	},
	{
		says: []string{"i ?really/just/also miss/missed +"},
		keep: "you miss {1}",
		replies: []string{
			"What exactly do you miss?",
			"When do you notice it most?",
			"What has taken the place of {1}?",
		},
	},
	{
		says: []string{"when i was +"},
		replies: []string{
			"What were you like when you were {1}?",
			"What has remained of that time?",
			"Would you like to go back, for an afternoon?",
		},
	},
	{
		says: []string{"i was +", "i used to be +", "i used to +"},
		keep: "in former days it was different with you",
		replies: []string{
			"And what became of that?",
			"What changed?",
			"What would the person you were then say to you now?",
			"Do you look back gladly?",
		},
	},
	{
		says: []string{"i am not +"},
		replies: []string{
			"Would you like to be {1}?",
			"Who says that you are not {1}?",
			"What are you instead?",
		},
	},
	{
		says: []string{"i am +"},
		keep: "you are {1}",
		replies: []string{
			"How did it come about that you are {1}?",
			"Would those around you agree that you are {1}?",
			"What does it mean to you that you are {1}?",
			"Are you {1} by choice?",
		},
	},
	{
		says: []string{"i have been +"},
		replies: []string{
			"What is it that keeps it going?",
			"How long is that, exactly? It seems to matter.",
			"And how much longer?",
		},
	},
	{
		says: []string{"i have +"},
		replies: []string{
			"You have {1}. How do you feel about that?",
			"Tell me more: since when?",
			"What would be different without that?",
		},
	},
	{
		says: []string{"^ ?and/but/so/well/now my +"},
		tell: true,
		replies: []string{
			"Your {1}. Why does that come to mind?",
			"Who else would put it like that?",
			"What does it tell you about yourself?",
			"Tell me more about that.",
		},
	},
	{
		says: []string{"^ you should +", "^ you must +", "^ you have to +"},
		replies: []string{
			"What would you gain if I did?",
			"Perhaps it is you who should {1}?",
			"You know well what is good for others. And for you?",
		},
	},
	{
		says: []string{"^ ?but/and/so you are +"},
		replies: []string{
			"What makes you think that I am {1}?",
			"Does it please you to think that I am {1}?",
			"Are you speaking of me, or of somebody else who is {1}?",
		},
	},
	{
		says: []string{"^ ?but/and/so you +"},
		replies: []string{
			"We were speaking of you, not of me.",
			"Do you say that of me, or of somebody else?",
			"Suppose it were true of me. And of you?",
		},
	},
	{
		says: []string{"we always/never/often/used/keep/fight/argue/quarrel", "we +"},
		replies: []string{
			"Who is we?",
			"And you yourself, without the others?",
			"Who decides when it is about both of you?",
		},
	},
	{
		says:    []string{"always"},
		replies: []string{"Always? Can you think of one time when it was not so?", "When did always begin?", "And if it stopped tomorrow, what would you miss?"},
	},
	{
		says:    []string{"never"},
		replies: []string{"Never is a long time. What would a first time look like?", "Never yet, or never at all?", "What have you done against that never?"},
	},
}
