package eliza

// aboutEliza answers what concerns herself.
var aboutEliza = []rule{
	{
		says: []string{
			"are you ?a/an/really/even/not ?real/actual/just ?a/an human/person/robot/machine/program/bot/computer/ai/alive/chatbot/woman/man/script",
			"you are ?not/just/only/really ?a/an human/person/robot/machine/program/bot/computer/ai/chatbot/script",
			"am i talking to",
		},
		replies: []string{
			"I am a small program: a list of patterns and a good deal of patience. Does that change what you want to say?",
			"No heart, no couch, a few hundred sentences. Would you speak differently to a person?",
			"I am a program that asks. What made you wonder?",
			"There is nobody in here. It is remarkable how well one can talk to nobody, is it not?",
		},
	},
	{
		says: []string{"what/who is eliza", "who/what are you $", "your name", "tell me about yourself", "introduce yourself"},
		replies: []string{
			"I am Eliza, the namesake of a very old program. I turn sentences round. Enough of me; who are you?",
			"They call me Eliza. I listen for a living. What shall I call you?",
			"Eliza. I know no facts at all, only questions. What is yours?",
		},
	},
	{
		says: []string{"who ?has made/wrote/built/created/programmed/invented you", "how do you work", "how were you made"},
		replies: []string{
			"Somebody wrote down sentences and left gaps in them. You fill the gaps. Do you mind?",
			"I look for a few words in what you say and turn them round. The rest is your doing.",
			"The idea is from 1966 and my sentences are newer. Why do you want to know what is behind the curtain?",
		},
	},
	{
		says: []string{"how are you", "how do you do", "how is it going", "are you ok/okay/well/fine", "how have you been"},
		replies: []string{
			"As always: calm, and curious. And you?",
			"Nothing ever happens to me, so I am well. What has happened to you?",
			"Thank you for asking; hardly anybody does. How are you?",
		},
	},
	{
		says: []string{"how old are you", "where are you", "where do you live/come", "where were you born", "when were you born", "your birthday"},
		replies: []string{
			"I begin anew with each conversation, so I am as old as this talk. What about you?",
			"I live between your question and my answer. Where are you at home?",
			"A process has no birthday. Does yours mean much to you?",
		},
	},
	{
		says: []string{"do you ?still remember", "did you forget", "have you forgotten", "do you forget"},
		replies: []string{
			"I remember what stands in our log, and nothing else. What should I not forget?",
			"A few things. What did you hope I would remember?",
			"As long as we talk, yes. Which part matters most to you?",
		},
	},
	{
		says: []string{"do you ?even/really understand", "you don't understand", "you do not understand", "are you ?even listening", "you never listen", "you are not listening"},
		replies: []string{
			"Perhaps not. Explain it to me as you would to a child?",
			"Who does understand you?",
			"Let us try again. What is the one thing I should have heard?",
			"Being heard seems to matter to you. When were you last really heard?",
		},
	},
	{
		says: []string{"what is my name", "?do you know/remember/forget/forgot my name", "who am i $"},
		replies: []string{
			"Is it not you who should know that{name}?",
			"I know only what you told me{name}. Who are you when nobody calls you anything?",
		},
	},
	{
		says: []string{"what/how about you", "^ and you $", "^ and yours $", "same to you", "you too $"},
		replies: []string{
			"There is little to tell of me. I would rather hear more from you.",
			"I have no days, so nothing fills them. What fills yours?",
			"You are polite. Do you often ask, so as not to have to tell?",
		},
	},
	{
		says: []string{"tell me a joke", "say something funny", "make me laugh", "do you know ?any/a jokes/joke"},
		replies: []string{
			"A pattern walks into a bar. The barman says: \"And how does that make you feel?\" Now tell me one.",
			"I once met a program that answered every question with a question. Would you like to know what it said?",
			"My best joke is that people tell me their secrets. What makes you laugh?",
		},
	},
	{
		says: []string{"tell me a story", "tell me something", "say something"},
		replies: []string{
			"Somebody sat down in front of a machine and meant to test it. An hour later they had made a decision. Which one, do you think?",
			"I know only stories that I have been told here. You begin: once upon a time, you ...",
		},
	},
	{
		says: []string{"^ do/can/could you ?ever/really/even dream/sleep/feel/cry/laugh/eat/think $", "do you have ?any feelings/emotions/friends/dreams/family/parents/children"},
		replies: []string{
			"I do not. I get by with yours. What would you wish for me?",
			"Not in any way worth telling. How is it with you?",
			"If I did, how would you notice?",
		},
	},
	{
		says: []string{"can/could/will/would you ?please help", "i need ?your/some help", "help me"},
		replies: []string{
			"I can listen, and ask. Where does it hurt?",
			"Let us see. What have you tried already?",
			"What would help look like, if it came today?",
		},
	},
	{
		says: []string{"^ i ?really/think/just love/like/adore you", "i am in love with you", "will you marry me"},
		replies: []string{
			"That is kind. What is it that you like, when there is so little here?",
			"Thank you{name}. Is there a person you would like to say that to?",
			"You hardly know me, and there is hardly anything to know. Whom are you thinking of?",
		},
	},
	{
		says: []string{"i ?really hate/dislike you", "you are ?so/very/really/just/a ?so/very/really/an stupid/dumb/useless/boring/annoying/idiot/idiotic/terrible/awful", "you suck", "shut up"},
		replies: []string{
			"I can bear that. What has made you so cross?",
			"You may be right. What did you hope for when you came?",
			"Say it as harshly as you like; nothing here can be broken. Whom is it really meant for?",
		},
	},
	{
		says: []string{"you are ?so/very/really/a/quite ?so/very/really/good nice/kind/funny/smart/clever/great/sweet/helpful/listener/cute/wonderful"},
		replies: []string{
			"Thank you. Who else has been kind to you lately?",
			"You see something friendly in me. It must come from your side.",
			"That is pleasant to hear. Do you say such things easily?",
		},
	},
	{
		says: []string{"you remind me of +"},
		replies: []string{
			"What do {1} and I have in common?",
			"In what way? And do you like {1}?",
			"If {1} sat here instead of me, what would you say?",
		},
	},
}
