package eliza

// smallTalk is about short answers and courtesies.
var smallTalk = []rule{
	{
		says: []string{"^ ?oh/well/so hello/hi/hey/greetings/howdy/hiya/yo", "^ good morning/evening/afternoon/day"},
		replies: []string{
			"Hello{name}. How are you today?",
			"Good to hear from you{name}. What is on your mind?",
			"Hello. What has happened since this morning?",
			"Hello again, or for the first time. Where shall we begin?",
		},
	},
	{
		says: []string{"thank/thanks/thx/cheers", "appreciate it/that/this"},
		replies: []string{
			"You are welcome{name}. What was it that helped?",
			"You did the work. What will you take with you?",
			"Gladly. Is there something we have left out?",
		},
	},
	{
		says: []string{"^ ?maybe/perhaps/possibly/probably $", "^ maybe", "^ perhaps", "^ it depends", "^ sometimes", "^ kind/sort of"},
		idle: true,
		replies: []string{
			"You leave a door open. What is behind it?",
			"What would tip the balance?",
			"On which days is it more yes than no?",
			"What does it depend on?",
		},
	},
	{
		says: []string{"^ yes", "^ yeah/yep/yup/sure/definitely/absolutely/exactly/certainly/indeed/right/correct/true", "^ of course", "^ i think so", "^ i do $", "^ it is $", "^ that is right/true"},
		replies: []string{
			"You say that without hesitation. Tell me more.",
			"And how did you come to see it so?",
			"Good. What follows from it for you?",
			"How long have you known that?",
			"I see. Can you give me an example?",
			"Would you have said yes a year ago?",
		},
	},
	{
		says: []string{"^ no $", "^ nope/nah/never/no", "^ not really", "^ not at all", "^ i do not $", "^ i don't $", "^ of course not"},
		replies: []string{
			"No, or not yet?",
			"That was quick. What would speak for it all the same?",
			"What would have to be different for a yes?",
			"Very well. What would you rather talk about?",
			"Is that your no, or somebody else's?",
			"What makes you so sure?",
		},
	},
	{
		says: []string{"^ ok/okay/fine/alright/hm/hmm/hmmm/mhm/mm/well/so/and/right/cool/nice/good/interesting/whatever $", "^ i see $", "^ go on $", "^ all right $", "^ nothing ?much/special/really $"},
		idle: true,
		replies: []string{
			"I had hoped for a little more. What went through your head just now?",
			"That can mean anything. What does it mean today?",
			"Shall we stay with this, or is there something else?",
			"Then let me ask: what was the best moment of your week?",
			"Let us try something new. Which person have you thought of today?",
		},
	},
	{
		says: []string{"haha/hahaha/lol/hehe/rofl/lmao/ha"},
		replies: []string{
			"I am glad to amuse you. What was the funny part?",
			"You laugh. Is there something serious under it?",
			"Laughing suits you, as far as I can tell.",
		},
	},
	{
		says: []string{"damn/shit/fuck/fucking/crap/hell/bloody/bullshit"},
		replies: []string{
			"Strong words. What is behind them?",
			"It must be pressing on you. Let it out.",
			"Something has made you angry. Start where it started.",
		},
	},
	{
		says: []string{"^ what $", "^ huh", "^ pardon", "what do you mean", "i don't understand", "i don't get it", "makes no sense", "^ what was that"},
		replies: []string{
			"I put that badly. Let us begin again: what matters to you today?",
			"Never mind what I mean. What did you hear?",
			"Sometimes I only echo. Tell me how you would have asked it.",
		},
	},
	{
		says: []string{"^ really $", "^ seriously $", "^ are you sure"},
		replies: []string{
			"I am hardly ever sure. Are you?",
			"As far as I can judge, and that is not far. What is your doubt?",
			"You seem surprised. What did you expect?",
		},
	},
	{
		says: []string{"test/testing $", "^ ping", "^ foo"},
		replies: []string{
			"It works: you speak and I answer. And now something real?",
			"Received. What shall we talk about, now that we know it works?",
		},
	},
}
